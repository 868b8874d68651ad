"""The OpenAPI document: valid, complete, and of one table with the routes."""

from typing import Any, get_args

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from bot.api.endpoints import DOCUMENT, ENDPOINTS, Endpoint
from bot.api.errors import STATUS, Code, Fault
from bot.api.models import Run
from bot.api.openapi import document
from bot.domain.errors import Refusal

MADE: Any = document(ENDPOINTS)
BY_NAME = {endpoint.name: endpoint for endpoint in ENDPOINTS}


def operation(endpoint: Endpoint) -> Any:
    return MADE["paths"][f"/api/v1{endpoint.path}"][endpoint.method.lower()]


def test_the_document_is_openapi_3_1() -> None:
    assert MADE["openapi"].startswith("3.1.")

    OpenAPIV31SpecValidator(MADE).validate()


def test_every_schema_that_is_named_is_there_and_every_other_is_not() -> None:
    named = set(_references(MADE))

    assert named == {f"#/components/schemas/{n}" for n in MADE["components"]["schemas"]}


def _references(node: Any) -> list[str]:
    if isinstance(node, dict):
        own = [node["$ref"]] if isinstance(node.get("$ref"), str) else []
        return own + [ref for child in node.values() for ref in _references(child)]
    if isinstance(node, list):
        return [ref for child in node for ref in _references(child)]
    return []


def test_names_of_operations_are_used_once() -> None:
    assert len(BY_NAME) == len(ENDPOINTS)


def test_only_the_document_itself_needs_no_key() -> None:
    is_open = [each for each in ENDPOINTS if operation(each).get("security") == []]

    assert is_open == [DOCUMENT]
    assert MADE["security"] == [{"key": []}]


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda each: each.name)
def test_an_operation_names_every_status_that_it_may_answer(endpoint: Endpoint) -> None:
    statuses = set(operation(endpoint)["responses"])

    assert statuses >= {str(STATUS[code]) for code in endpoint.codes}
    if not endpoint.is_open:
        assert statuses >= {"401", "403", "422", "429", "503"}
    if endpoint.body is not None:
        assert statuses >= {"400", "408", "413", "415"}


def test_every_code_has_a_status() -> None:
    codes: set[Code] = {code for kind in get_args(Code) for code in kind}

    assert set(STATUS) == codes
    assert len({str(code) for code in codes}) == len(codes)
    assert {STATUS[Refusal.CONFLICT], STATUS[Fault.NO_SUCH_METHOD]} == {409, 405}


def test_what_is_left_out_of_a_query_is_not_null() -> None:
    schemas = [p["schema"] for p in operation(BY_NAME["runs"])["parameters"]]

    assert len(schemas) == 8
    assert all("null" not in str(schema) for schema in schemas)
    assert all(schema.get("default", 1) is not None for schema in schemas)


def test_every_field_of_an_answer_is_always_there() -> None:
    run = MADE["components"]["schemas"]["Run"]

    assert set(run["required"]) == set(run["properties"]) == set(Run.model_fields)


def test_no_answer_has_a_field_for_a_container_or_a_plan() -> None:
    assert not {"container", "plan_digest", "apply", "thread"} & set(Run.model_fields)
