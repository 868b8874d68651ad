"""A command is run within the tests' own process, which is to be as it was before."""

import ctypes
from collections.abc import Iterator

import pytest

#: prctl(2): whether a process becomes the parent of what its descendants leave behind
SET_CHILD_SUBREAPER = 36


@pytest.fixture(autouse=True)
def adopts_nobody_afterwards() -> Iterator[None]:
    yield
    ctypes.CDLL(None).prctl(SET_CHILD_SUBREAPER, 0, 0, 0, 0)
