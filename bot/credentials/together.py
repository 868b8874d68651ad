"""Every way to make credentials for a run, behind the one port."""

from bot.domain.run import Run
from bot.domain.stack import Stack
from bot.ports import Credentials, Minted


class Together:
    """Asks each of *ways* in turn; what one cannot make, the run does not get."""

    def __init__(self, *ways: Credentials) -> None:
        self._ways = ways

    async def mint(self, run: Run, stack: Stack) -> Minted:
        """Return all that they make, or raise SecretUnavailable."""
        each = [await way.mint(run, stack) for way in self._ways]
        return Minted(
            variables={k: v for one in each for k, v in one.variables.items()},
            secret_variables={
                k: v for one in each for k, v in one.secret_variables.items()
            },
            files=tuple(file for one in each for file in one.files),
        )
