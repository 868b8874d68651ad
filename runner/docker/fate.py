"""What an engine remembers of a container that is gone."""

import time
from datetime import UTC, datetime
from typing import Final, TypedDict, cast

import docker

_LOOK_BACK: Final = 24 * 3600  #: seconds; an engine keeps its last 256 events


class _Actor(TypedDict):
    Attributes: dict[str, str]


class _Event(TypedDict):
    Action: str
    time: int
    Actor: _Actor


def fate(api: docker.APIClient, run: str, installation: str) -> str:
    """Return what is known of the end of the container of *run*, as a clause."""
    until = int(time.time()) + 1  # this second's too, which is waited for
    labels = [f"handrail.installation={installation}", f"handrail.run={run}"]
    events = api.events(
        since=until - _LOOK_BACK,
        until=until,
        filters={
            "type": "container",
            "event": ["die", "oom", "destroy"],
            "label": labels,
        },
        decode=True,
    )
    found = (cast(_Event, event) for event in events)
    last = {event["Action"]: event for event in found}
    return " and ".join(map(_clause, last.values()))


def _clause(event: _Event) -> str:
    at = f"{datetime.fromtimestamp(event['time'], UTC):%H:%M:%S} UTC"
    match event["Action"]:
        case "die":
            code = event["Actor"]["Attributes"].get("exitCode", "unknown")
            return f"it ended with exit code {code} at {at}"
        case "oom":
            return f"it was out of memory at {at}"
        case _:
            return f"it was removed at {at}"
