"""Writing a configuration and hearing what is wrong with it."""

from collections.abc import Callable
from pathlib import Path
from textwrap import dedent

import pytest

from bot.catalog.load import load
from bot.catalog.problem import ConfigProblems

Write = Callable[[str], Path]
Told = Callable[[str], list[str]]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Put a text into `handrail.yaml`."""

    def put(text: str) -> Path:
        path = tmp_path / "handrail.yaml"
        path.write_text(dedent(text), encoding="utf-8")
        return path

    return put


@pytest.fixture
def told(write: Write) -> Told:
    """Tell what is wrong with a text, as people read it, without the directory."""

    def tell(text: str) -> list[str]:
        path = write(text)
        with pytest.raises(ConfigProblems) as refused:
            load(path)
        return [str(it).replace(f"{path.parent}/", "") for it in refused.value.problems]

    return tell


def a_config(stack: str = "", *, defaults: str = "", top: str = "") -> str:
    """Return a good configuration; the stack's own lines begin in line 9.

    *top* is followed by `stacks`, *defaults* goes below `defaults`.
    """
    lines = [
        "version: 1",
        "workspace: T0123ABCD",
        "stacks:",
        "  db-prod:",
        "    image: busybox",
        '    writers: ["@platform"]',
        "  net-prod:",
        "    image: busybox",
        *(f"    {line}" for line in dedent(stack).strip().splitlines()),
        "    writers: [U0ANN]",
        *(["defaults:"] if defaults else []),
        *(f"  {line}" for line in dedent(defaults).strip().splitlines()),
        *dedent(top).strip().splitlines(),
    ]
    return "\n".join(lines) + "\n"
