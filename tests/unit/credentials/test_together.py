"""Ways to make credentials are asked one after the other, and all must agree."""

from dataclasses import dataclass

import pytest

from bot.credentials.together import Together
from bot.domain.errors import SecretUnavailable
from bot.domain.run import Run
from bot.domain.stack import Stack
from bot.ports import Minted
from runner.job import WorkspaceFile
from tests.support.bot import a_stack
from tests.support.builders import a_run

TOKEN = WorkspaceFile(path="/mnt/secrets/token", content=b"a token")


@dataclass
class Way:
    """Makes what a test says."""

    makes: Minted | None

    async def mint(self, run: Run, stack: Stack) -> Minted:
        if self.makes is None:
            raise SecretUnavailable("Nothing is made here.")
        return self.makes


async def test_a_run_gets_what_every_way_makes() -> None:
    one = Way(Minted(variables={"A": "1"}, secret_variables={"B": "2"}))
    other = Way(
        Minted(variables={"C": "3"}, secret_variables={"D": "4"}, files=(TOKEN,))
    )

    minted = await Together(one, other).mint(a_run(), a_stack())

    assert minted == Minted(
        variables={"A": "1", "C": "3"},
        secret_variables={"B": "2", "D": "4"},
        files=(TOKEN,),
    )


async def test_one_way_that_fails_fails_all() -> None:
    together = Together(Way(Minted(variables={"A": "1"})), Way(None))

    with pytest.raises(SecretUnavailable, match="Nothing is made here"):
        await together.mint(a_run(), a_stack())


async def test_no_way_at_all_makes_nothing() -> None:
    assert await Together().mint(a_run(), a_stack()) == Minted()
