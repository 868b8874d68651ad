"""Has Schemathesis ask for stacks and runs that exist more often than for others."""

from typing import Any

import schemathesis

STACKS = ("net-prod", "db-prod")


@schemathesis.hook
def map_path_parameters(context: Any, path_parameters: Any) -> Any:
    """Name a run of before, or a stack."""
    match path_parameters:
        case {"id": int(number)} if number % 4:
            return {**path_parameters, "id": 1 + number % 9}
        case {"name": str(name)} if len(name) % 4 != 3:
            return {**path_parameters, "name": STACKS[len(name) % 2]}
    return path_parameters


@schemathesis.hook
def map_body(context: Any, body: Any) -> Any:
    """Name a stack, or the fence that a first claim has."""
    match body:
        case {"stack": str(name)} if len(name) % 8 != 7:
            return {**body, "stack": STACKS[len(name) % 2]}
        case {"stacks": [str(name), *_]} if len(name) % 8 != 7:
            return {**body, "stacks": list(STACKS[: 1 + len(name) % 2])}
        case {"fence": int(fence)} if fence % 4:
            return {**body, "fence": 1 + fence % 9}
    return body
