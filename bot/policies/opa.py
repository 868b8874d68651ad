"""The only door to OPA: policies are loaded there, and asked there."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Final

from bot.domain.errors import PolicyUnavailable
from bot.domain.policy import Policy, PolicyFault, PolicyKind, Ruling
from bot.policies.answers import NotEvaluated, ruling_of
from bot.policies.files import PolicyFiles
from bot.policies.library import Library
from bot.policies.loading import Loaded
from bot.policies.missing import NoPolicies
from bot.policies.panels import NotTogether, Panels, panel_of
from bot.policies.rest import OpaAbsent, OpaLost, OpaUnusable
from bot.policies.server import Server, server_at
from bot.policies.testing import TestResult, run_tests
from bot.policies.turn import Allowance, Turn
from bot.ports import Document

LIMIT: Final = 5.0  #: seconds for one ruling, and as many to wait for OPA
_PAUSE: Final = 0.05  #: seconds between attempts to reach it
#: an OPA that does not say within so many seconds that it is there is away
_HEARD_WITHIN: Final = 2.0
#: how often OPA may end beside others before a policy is asked when nobody else is
_SPARED: Final = 2
#: seconds for all policies together; where it takes longer each is asked alone
_TOGETHER: Final = 0.25
#: what keeps them from being asked together, none of which is the last word
_APART: Final = (NotTogether, NotEvaluated, PolicyUnavailable, TimeoutError)


@asynccontextmanager
async def opened(
    opa: str | None, data_dir: Path
) -> AsyncIterator["OpaPolicies | NoPolicies"]:
    """Open the policies that *opa*, the setting, evaluates; None: nothing does."""
    if opa is None:
        yield NoPolicies()
        return
    async with server_at(opa, data_dir) as server:
        policies = OpaPolicies(server)
        try:
            yield policies
        finally:
            await policies.close()


class OpaPolicies:
    """Evaluates policies in an OPA.

    A file is looked at whenever it is asked, so a change of it counts at once.
    """

    def __init__(self, server: Server, limit: float = LIMIT) -> None:
        self._server = server
        self._limit = limit
        self._library = Library(server, limit)
        self._panels = Panels(server, self._library)
        self._files = PolicyFiles()
        self._one_at_a_time = asyncio.Lock()
        self._absent = ""

    async def rulings(
        self, policies: Sequence[Policy], document: Document
    ) -> tuple[Ruling, ...]:
        """Return what each of *policies* makes of *document*, as `rule` does."""
        with suppress(*_APART):
            async with asyncio.timeout(_TOGETHER):
                return await self._together(policies, document)
        alone = (self.rule(policy, document) for policy in policies)
        rulings = tuple(await asyncio.gather(*alone))
        if not any(ruling.failed for ruling in rulings):
            with suppress(*_APART):
                async with asyncio.timeout(_TOGETHER):
                    self._panels.bring(await self._panel(policies))
        return rulings

    async def rule(self, policy: Policy, document: Document) -> Ruling:
        """Return what *policy* makes of *document*; what goes wrong with it is a no.

        Raise PolicyUnavailable where that says nothing of it: OPA is away, is being
        started, or did not come to it.
        """
        try:
            with self._telling(policy, "evaluated"):
                answer = await self._answer(policy, document)
            return ruling_of(policy.name, answer)
        except NotEvaluated as error:
            where = f" (row {error.row})" if error.row else ""
            why = _ended(str(error))
        sentence = f"Policy {policy.name} could not be evaluated{where}: {why}"
        return Ruling(policy=policy.name, failed=sentence)

    async def kind(self, policy: Policy) -> PolicyKind:
        """Return what *policy* has rules for; one that is broken has all.

        Raise PolicyUnavailable where OPA does not answer.
        """
        return (await self._known(policy)).kind

    async def close(self) -> None:
        """Ask OPA nothing any more."""
        await self._library.close()

    async def check(self, policies: Sequence[Policy]) -> tuple[PolicyFault, ...]:
        """Return all that is wrong with *policies*; raise PolicyUnavailable."""
        found = [(it, await self._known(it)) for it in policies]
        return tuple(
            replace(fault, policy=policy.name)
            for policy, loaded in found
            for fault in loaded.faults
        )

    async def run_tests(
        self, policy: Policy, files: Sequence[Path]
    ) -> tuple[TestResult, ...]:
        """Run the tests of *policy* in *files*; raise PolicyUnavailable.

        A file that does not compile is a result that failed, without a name.
        """
        await self._known(policy)
        paths = (policy.path, *files)
        texts = [(path, await self._legible(path)) for path in paths]
        return await run_tests(self._server.client, texts[0], texts[1:])

    async def _together(
        self, policies: Sequence[Policy], document: Document
    ) -> tuple[Ruling, ...]:
        """Ask *policies* in one question; raise one of _APART where that fails."""
        panel = await self._panel(policies)
        answers = await self._panels.answers(panel, document)
        given = zip(policies, answers, strict=True)
        return tuple(ruling_of(it.name, answer) for it, answer in given)

    async def _panel(self, policies: Sequence[Policy]) -> str:
        """Return the panel of *policies*; one alone has none."""
        if len(policies) < 2:
            raise NotTogether
        members = [await self._known(it) for it in policies]
        if any(it.faults for it in members):
            raise NotTogether
        return panel_of(members)

    async def _legible(self, path: Path) -> str:
        try:
            return await self._files.text(path)
        except NotEvaluated as error:
            raise PolicyUnavailable(f"{path}: {error}") from error

    async def _known(self, policy: Policy) -> Loaded:
        try:
            source = await self._files.text(policy.path)
        except NotEvaluated as error:
            fault = PolicyFault(policy=policy.name, message=str(error))
            return Loaded(faults=(fault,))
        with self._telling(policy, "compiled"):
            async with asyncio.timeout(self._limit):
                for _ in range(_SPARED):
                    with suppress(OpaLost):
                        return await self._loaded(policy.path, source)
                return await self._loaded(policy.path, source)

    async def _answer(self, policy: Policy, document: Document) -> object:
        turn = Turn(
            path=policy.path,
            source=await self._files.text(policy.path),
            document=document,
            waiting=Allowance(self._limit),
            working=Allowance(self._limit),
        )
        # What OPA took along when it ended is answered before it can end again of
        # the same: so nobody waits for the one that ends it.
        for _ in range(_SPARED):
            with suppress(OpaLost):
                return await self._ask(turn)
        async with self._alone(turn):
            try:
                return await self._ask(turn)
            except OpaLost as error:
                raise NotEvaluated(str(error)) from error

    @asynccontextmanager
    async def _alone(self, turn: Turn) -> AsyncIterator[None]:
        """Keep others that have ended OPA, or were there, from being asked."""
        async with turn.waiting.spent():
            await self._one_at_a_time.acquire()
        try:
            yield
        finally:
            self._one_at_a_time.release()

    async def _ask(self, turn: Turn) -> object:
        """Ask what is loaded; where OPA does not know it, load it once more."""
        answer = await self._asked(turn)
        if answer is None:
            self._library.forget(turn.source)
            answer = await self._asked(turn)
        return answer

    async def _asked(self, turn: Turn) -> object:
        while True:
            async with turn.waiting.spent():
                loaded = await self._loaded(turn.path, turn.source)
            try:
                return await self._value(loaded, turn)
            except OpaAbsent as error:
                self._absent = str(error)

    async def _loaded(self, path: Path, source: str) -> Loaded:
        """Load *source* as soon as OPA is there."""
        while True:
            await self._is_connected()
            try:
                return await self._library.loaded(path, source)
            except OpaAbsent as error:
                self._absent = str(error)

    async def _is_connected(self) -> None:
        """Wait until OPA can be asked."""
        await self._server.ready()
        while self._absent and not await self._server.client.is_there():  # noqa: ASYNC110 (it tells nobody)
            await asyncio.sleep(_PAUSE)
        self._absent = ""

    async def _value(self, loaded: Loaded, turn: Turn) -> object:
        for fault in loaded.faults:
            raise NotEvaluated(fault.message, fault.row)
        client = self._server.client
        try:
            async with turn.working.spent():
                return await client.ask(loaded.home, loaded.answer, turn.document)
        except NotEvaluated as error:
            raise NotEvaluated(str(error), loaded.row(error.row)) from error
        except TimeoutError:
            await self._require_heard()
            why = f"it took longer than {self._limit:g} seconds."
            raise NotEvaluated(why) from None
        except asyncio.CancelledError:
            self._server.overran()
            raise

    async def _require_heard(self) -> None:
        """Raise OpaUnusable where it is not the policy but OPA that hangs."""
        try:
            async with asyncio.timeout(_HEARD_WITHIN):
                is_there = await self._server.client.is_there()
        except TimeoutError:
            is_there = False
        self._server.overran()
        if not is_there:
            raise OpaUnusable(f"OPA at {self._server.client.address} does not answer.")

    @contextmanager
    def _telling(self, policy: Policy, done: str) -> Iterator[None]:
        """Raise PolicyUnavailable with what keeps *policy* from being *done*."""
        try:
            yield
        except TimeoutError:
            hindrance = self._server.trouble or self._absent
            busy = (
                f"Policy {policy.name} could not be {done}: OPA did not come to it "
                f"within {self._limit:g} seconds. Try again; if it stays so, make it "
                "simpler."
            )
            sentence = self._away(hindrance) if hindrance else busy
            raise PolicyUnavailable(sentence) from None
        except OpaUnusable as error:
            raise PolicyUnavailable(self._away(str(error))) from error
        except PolicyUnavailable as error:
            why = _ended(str(error))
            sentence = f"Policy {policy.name} could not be {done}: {why}"
            raise PolicyUnavailable(sentence) from error

    def _away(self, why: str) -> str:
        return f"Policies cannot be evaluated: {_ended(why)} {self._server.remedy}"


def _ended(why: str) -> str:
    return why if why.endswith((".", "!", "?")) else f"{why}."
