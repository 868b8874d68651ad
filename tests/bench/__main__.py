"""Measures what Handrail promises of its speed and size: `python -m tests.bench`.

Names of parts may follow. Exit status 1 says that a target was missed. `chaos` is
a part of its own, for which two replicas are killed for some minutes.
"""

import asyncio
import logging
import sys
from argparse import ArgumentParser
from collections.abc import Callable, Coroutine, Mapping
from functools import partial
from pathlib import Path
from random import randrange

import structlog

from tests.bench import (
    acknowledgement,
    handover,
    history,
    latency,
    locks,
    masking,
    memory,
    policy,
)
from tests.bench.chaos.run import chaos
from tests.bench.load import measure as load
from tests.bench.table import Table

Measure = Callable[[], Coroutine[None, None, Table]]

PARTS: Mapping[str, Measure] = {
    "latency": latency.measure,
    "acknowledgement": acknowledgement.measure,
    "masking": masking.measure,
    "memory": memory.measure,
    "locks": locks.measure,
    "history": history.measure,
    "load": load.measure,
    "handover": handover.measure,
    "policy": policy.measure,
}
_CHAOS = "chaos"


def main() -> None:
    """Print a table for each part."""
    # What the Slack SDK says of sockets that close when a part is over.
    logging.disable(logging.ERROR)
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR)
    )
    parser = ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="|".join([*PARTS, _CHAOS]))
    parser.add_argument("--minutes", type=float, default=10, help="of chaos")
    parser.add_argument("--seed", type=int, default=randrange(10**6), help="of chaos")
    parser.add_argument("--keep", type=Path, help="where chaos leaves its evidence")
    given = parser.parse_args()
    wanted = given.parts or list(PARTS)
    lawless: Measure = partial(chaos, given.minutes, given.seed, given.keep)
    parts = {**PARTS, _CHAOS: lawless}
    unknown = sorted(set(wanted) - set(parts))
    if unknown:
        parser.error(f"there is no part {', '.join(unknown)}")
    if _CHAOS in wanted:
        print(f"Seed of chaos: {given.seed}", flush=True)
    met = True
    for name in wanted:
        table = asyncio.run(parts[name]())
        print(table, end="\n\n", flush=True)
        met = met and table.is_met
    sys.exit(not met)


if __name__ == "__main__":
    main()
