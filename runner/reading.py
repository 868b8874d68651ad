"""Reads in a container which values of its stack's state are sensitive."""

import asyncio
from datetime import timedelta
from typing import Final

from runner.driver import reading_script
from runner.engine import Container
from runner.errors import (
    ContainerLost,
    EngineAway,
    EngineUnavailable,
    StateUnreadable,
)
from runner.masking.secrets import Secret
from runner.terraform_state import sensitive_values

WITHIN: Final = timedelta(seconds=20)
MOST: Final = 16 << 20  #: bytes


async def sensitive_in(container: Container) -> tuple[Secret, ...]:
    """Return the sensitive values of the state, while the driver waits at its gate.

    Raises StateUnreadable, ContainerLost and EngineAway.
    """
    try:
        return await _values(container)
    except (ContainerLost, EngineAway, StateUnreadable):
        raise
    except (EngineUnavailable, ValueError) as error:
        raise StateUnreadable(str(error)) from error
    except Exception as error:
        # A state that nobody thought of does not end the run.
        raise StateUnreadable(f"unexpected {type(error).__name__}") from error


async def _values(container: Container) -> tuple[Secret, ...]:
    script = reading_script(container.reading)
    read = await container.aside(script, within=WITHIN, most=MOST)
    if read.code is None:
        raise StateUnreadable(
            f"reading took more than {WITHIN.seconds} seconds or {MOST >> 20} MiB"
        )
    if read.code:
        raise StateUnreadable(f"reading ended with exit code {read.code}")
    return await asyncio.to_thread(sensitive_values, read.output)
