"""Looks for cases that masking gets wrong: `python -m tests.fuzz --minutes 10`.

Uses atheris where it is installed, which sees what code a case reaches; else
hypothesis. What it finds is in the folder that --found names; `--keep` adds to the
corpus, which every test run checks, what reaches more than that does.
"""

import importlib
import importlib.util
import sys
import time
from argparse import ArgumentParser
from collections.abc import Callable
from pathlib import Path
from tempfile import gettempdir

from hypothesis import HealthCheck, given, settings, target
from hypothesis import strategies as st

CORPUS = Path(__file__).parent / "corpus"
LONGEST = 1000


def main() -> None:
    """Fuzz for as long as is wanted; an error shows the case that failed."""
    parser = ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10)
    found = Path(gettempdir()) / "handrail-fuzz"
    parser.add_argument("--found", type=Path, default=found)
    parser.add_argument("--keep", action="store_true")
    wanted = parser.parse_args()
    wanted.found.mkdir(parents=True, exist_ok=True)
    if wanted.keep:
        print(importlib.import_module("tests.fuzz.pruning").keep(CORPUS, wanted.found))
    elif importlib.util.find_spec("atheris"):
        _by_atheris(wanted.minutes, wanted.found)
    else:
        _by_hypothesis(wanted.minutes)


def _by_atheris(minutes: float, found: Path) -> None:
    atheris = importlib.import_module("atheris")
    with atheris.instrument_imports(include=["runner.masking"]):
        check: Callable[[bytes], int] = importlib.import_module(
            "tests.fuzz.check"
        ).check

    def one(data: bytes) -> None:
        check(data)

    limits = (f"-max_total_time={int(60 * minutes)}", f"-max_len={LONGEST}")
    quick = ("-len_control=0", "-timeout=30", f"-artifact_prefix={found}/failed-")
    atheris.Setup([sys.argv[0], *limits, *quick, str(found), str(CORPUS)], one)
    atheris.Fuzz()


def _by_hypothesis(minutes: float) -> None:
    check: Callable[[bytes], int] = importlib.import_module("tests.fuzz.check").check
    known = st.sampled_from(sorted(each.read_bytes() for each in CORPUS.iterdir()))
    part = st.binary(max_size=40) | known.flatmap(
        lambda case: st.sampled_from(case.split(b"\xff"))
    )
    until = time.monotonic() + 60 * minutes
    cases = st.lists(part, min_size=1, max_size=5).map(b"\xff".join)

    @settings(max_examples=500, deadline=None, suppress_health_check=list(HealthCheck))
    @given(cases)
    def look(case: bytes) -> None:
        target(float(check(case)), label="hidden")

    rounds = 0
    while time.monotonic() < until:
        look()
        rounds += 1
    print(f"{500 * rounds} cases, none is wrong.")


if __name__ == "__main__":
    main()
