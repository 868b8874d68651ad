"""Measures what Handrail promises of its speed and size: `python -m tests.bench`.

Names of parts may follow. Exit status 1 says that a target was missed.
"""

import asyncio
import logging
import sys
from argparse import ArgumentParser

import structlog

from tests.bench import acknowledgement, latency, locks, masking, memory

PARTS = {
    "latency": latency.measure,
    "acknowledgement": acknowledgement.measure,
    "masking": masking.measure,
    "memory": memory.measure,
    "locks": locks.measure,
}


def main() -> None:
    """Print a table for each part."""
    # What the Slack SDK says of sockets that close when a part is over.
    logging.disable(logging.ERROR)
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR)
    )
    parser = ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="|".join(PARTS))
    wanted = parser.parse_args().parts or list(PARTS)
    unknown = sorted(set(wanted) - set(PARTS))
    if unknown:
        parser.error(f"there is no part {', '.join(unknown)}")
    met = True
    for name in wanted:
        table = asyncio.run(PARTS[name]())
        print(table, end="\n\n", flush=True)
        met = met and table.is_met
    sys.exit(not met)


if __name__ == "__main__":
    main()
