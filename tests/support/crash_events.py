"""What the engine tells of containers, heard while a test goes on."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Thread
from typing import Any

from runner.docker.address import connect
from tests.support.docker import engine_address


@dataclass(kw_only=True)
class Lives:
    """How often containers of each run were started."""

    starts: Counter[int] = field(default_factory=Counter)


@contextmanager
def lives_of(installation: str) -> Iterator[Lives]:
    """Count the starts of *installation*'s containers until the body ends."""
    client = connect(engine_address())
    lives = Lives()
    label = f"handrail.installation={installation}"
    told: Any = client.events(
        decode=True, filters={"type": "container", "event": "start", "label": label}
    )

    def listen() -> None:
        for event in told:
            run = event["Actor"]["Attributes"].get("handrail.run")
            if run is not None:
                lives.starts[int(run)] += 1

    thread = Thread(target=listen)
    thread.start()
    try:
        yield lives
    finally:
        told.close()
        thread.join()
        client.close()
