"""What API keys ask for: each request is granted, or refused with an audit row."""

import json
from collections.abc import AsyncIterator, Awaitable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from hashlib import sha256
from typing import Final, TypeVar, assert_never

from bot.control.enlist import Enlist
from bot.control.holds import Holds
from bot.control.outside import Outside
from bot.control.refusal_rows import RefusalRows, Row
from bot.control.schedule import Schedule
from bot.control.secrecy import Secrecy
from bot.control.sight import Seen, Sight, StackNow
from bot.control.unsafe import Known
from bot.domain.audit import Deed, Verb
from bot.domain.errors import (
    IdempotencyConflict,
    IllegalTransition,
    Refusal,
    Refused,
    RoleSourceUnavailable,
)
from bot.domain.keys import ApiKey
from bot.domain.lock import Claim, Hold
from bot.domain.people import Actor, Role
from bot.domain.preset_call import written_call
from bot.domain.run import RunId, RunState, RunType
from bot.domain.sentences import cannot_stop
from bot.domain.stack import Catalog, StackName
from bot.domain.task import PresetRequest, TaskRequest, check_command
from bot.ports import Archive, Clock, Idempotency, Record, RunQuery, StopAnswer

T = TypeVar("T")

_FIRST: Final = "Another hand was first: {}. Ask for the run to see how it stands."
_CONFLICT: Final = (
    "This Idempotency-Key was used before, with another request. Send each new request "
    "with a key of its own."
)
_AND_MORE: Final = f"{Refusal.TOO_OFTEN}: and more refused in this minute"

#: characters that are kept of the names of stacks that a refused request has
_KEPT: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Granted:
    """What a request became; not new where it came again."""

    seen: Seen
    is_new: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wish:
    """Who wants what: for the audit row of its refusal."""

    key: ApiKey
    what: str
    stack: str = ""
    run: RunId | None = None
    text: str = ""  #: what the caller wrote, which may have a secret in it
    known: Known = field(default_factory=Known)


class _NotYet(Refused):
    """A run that waits is asked for again and again: that is no deed."""


class Requests:
    """The one door of the HTTP API to the use cases.

    Every method raises Refused, behind which there is an audit row then unless
    there were too many, and StoreUnavailable.
    """

    def __init__(  # noqa: PLR0913 - behind the one door are all of them
        self,
        *,
        catalog: Catalog,
        record: Record,
        archive: Archive,
        enlist: Enlist,
        holds: Holds,
        outside: Outside,
        schedule: Schedule,
        secrecy: Secrecy,
        clock: Clock,
    ) -> None:
        self._catalog = catalog
        self._record = record
        self._archive = archive
        self._sight = Sight(catalog=catalog, archive=archive)
        self._enlist = enlist
        self._holds = holds
        self._outside = outside
        self._schedule = schedule
        self._secrecy = secrecy
        self._clock = clock
        self._rows = RefusalRows(clock)

    async def refused(self, actor: Actor, detail: str) -> None:
        """Record the refusal of a request that was put to no method here."""
        if await self._has_row(actor):
            await self._record.refuse(
                Deed(verb=Verb.REFUSED, actor=actor, at=self._clock(), detail=detail)
            )

    async def task(
        self, key: ApiKey, request: TaskRequest, name: str | None
    ) -> Granted:
        """Record a task; *name* is the caller's own for this very request."""
        wish = _Wish(key=key, what="task", stack=request.stack, text=request.command)
        return await self._asked(wish, self._task(wish, request, name))

    async def preset(
        self, key: ApiKey, request: PresetRequest, name: str | None
    ) -> Granted:
        """Record a run of a preset; *name* as for a task."""
        call = written_call(request.preset, request.parameters)
        wish = _Wish(key=key, what="task", stack=request.stack, text=call)
        return await self._asked(wish, self._preset(wish, request, name))

    async def announce(
        self, key: ApiKey, stack: str, command: str, name: str | None
    ) -> Granted:
        """Record a tracked run that whoever asks performs; *name* as for a task."""
        wish = _Wish(key=key, what="tracked run", stack=stack, text=command)
        return await self._asked(wish, self._announce(key, stack, command, name))

    async def stop(self, key: ApiKey, run: RunId) -> Seen:
        """Stop or discard a run that does not perform yet."""
        wish = _Wish(key=key, what="stop", run=run)
        return await self._asked(wish, self._stop(key, run))

    async def run(self, key: ApiKey, run: RunId) -> Seen:
        """Return one run."""
        wish = _Wish(key=key, what="run", run=run)
        return await self._asked(wish, self._sight.run(key, run))

    async def runs(
        self, key: ApiKey, query: RunQuery, stack: str | None = None
    ) -> tuple[Seen, ...]:
        """Return the runs asked for, of *stack* or of every stack, newest first."""
        wish = _Wish(key=key, what="runs", stack=stack or "")
        return await self._asked(wish, self._sight.runs(key, query, stack))

    async def output(
        self, key: ApiKey, run: RunId, start: int = 0
    ) -> AsyncIterator[tuple[int, bytes]]:
        """Return what yields the output kept so far, as `Archive.output_from`."""
        wish = _Wish(key=key, what="output", run=run)
        await self._asked(wish, self._sight.readable(key, run))
        return self._archive.output_from(run, start)

    def stacks(self, key: ApiKey) -> dict[StackName, Role]:
        """Return the stacks that the key knows, by name, with its role there."""
        return self._sight.stacks(key)

    async def stack(self, key: ApiKey, name: str) -> StackNow:
        """Return who has a stack, and what waits for it."""
        wish = _Wish(key=key, what="stack", stack=name)
        return await self._asked(wish, self._sight.stack(key, name))

    async def holds(self, key: ApiKey) -> tuple[Hold, ...]:
        """Return the holds on the stacks that the key knows, and a freeze."""
        return await self._sight.holds(key)

    async def hold(
        self,
        key: ApiKey,
        stacks: Sequence[str],
        reason: str,
        duration: timedelta | None,
    ) -> tuple[Hold, ...]:
        """Hold all of *stacks*, or none."""
        wish = _Wish(key=key, what="hold", stack=", ".join(sorted(stacks)))
        return await self._asked(wish, self._hold(key, stacks, reason, duration))

    async def release(
        self, key: ApiKey, stacks: Sequence[str], reason: str
    ) -> tuple[Hold, ...]:
        """Release all of *stacks*, or none."""
        wish = _Wish(key=key, what="release", stack=", ".join(sorted(stacks)))
        return await self._asked(wish, self._release(key, stacks, reason))

    async def begin(self, key: ApiKey, run: RunId) -> tuple[Seen, Claim]:
        """Let the CI of a ready outside run perform."""
        wish = _Wish(key=key, what="begin", run=run)
        return await self._asked(wish, self._begin(key, run))

    async def heartbeat(self, key: ApiKey, run: RunId, fence: int | None) -> Seen:
        """Note that the CI of an outside run is alive."""
        wish = _Wish(key=key, what="heartbeat", run=run)
        return await self._asked(wish, self._heartbeat(key, run, fence))

    async def finish(self, key: ApiKey, run: RunId, fence: int, exit_code: int) -> Seen:
        """Record how the command of an outside run ended."""
        wish = _Wish(key=key, what=f"finish with exit code {exit_code}", run=run)
        return await self._asked(wish, self._finish(key, run, fence, exit_code))

    async def _asked(self, wish: _Wish, doing: Awaitable[T]) -> T:
        try:
            with _in_sentences():
                return await doing
        except _NotYet:
            raise
        except Refused as refusal:
            await self._note(refusal, wish)
            raise

    async def _task(
        self, wish: _Wish, request: TaskRequest, name: str | None
    ) -> Granted:
        self._sight.known(wish.key, request.stack)
        check_command(request.command, request.stack)
        actor = wish.key.actor
        idempotency = _idempotency(
            name, RunType.TASK, request.stack, request.command, request.skip_init
        )
        is_new = await self._is_new(actor, idempotency)
        run = await self._enlist.task(
            request, actor, idempotency=idempotency, known=wish.known
        )
        return Granted(seen=await self._sight.seen(wish.key, run), is_new=is_new)

    async def _preset(
        self, wish: _Wish, request: PresetRequest, name: str | None
    ) -> Granted:
        self._sight.known(wish.key, request.stack)
        given = sorted(request.parameters.items())
        idempotency = _idempotency(name, "preset", request.stack, request.preset, given)
        is_new = await self._is_new(wish.key.actor, idempotency)
        run = await self._enlist.preset(
            request, wish.key.actor, idempotency=idempotency, known=wish.known
        )
        return Granted(seen=await self._sight.seen(wish.key, run), is_new=is_new)

    async def _announce(
        self, key: ApiKey, stack: str, command: str, name: str | None
    ) -> Granted:
        self._sight.known(key, stack)
        idempotency = _idempotency(name, RunType.TRACKED, stack, command)
        is_new = await self._is_new(key.actor, idempotency)
        run = await self._enlist.announce(
            stack, command, key.actor, idempotency=idempotency
        )
        return Granted(seen=await self._sight.seen(key, run), is_new=is_new)

    async def _is_new(self, actor: Actor, idempotency: Idempotency | None) -> bool:
        # Two at once may both be told that theirs is new; it is one run all the same.
        if idempotency is None:
            return True
        return await self._archive.granted(actor, idempotency) is None

    async def _stop(self, key: ApiKey, run: RunId) -> Seen:
        found = await self._sight.readable(key, run)
        if key.role_on(found.stack) < Role.WRITER:
            raise Refused(
                f"The API key {key.name} may read {found.stack} and no more, so it "
                "cannot stop its runs. Ask an admin for a key that is a writer.",
                reason=Refusal.NOT_ALLOWED,
            )
        answer = await self._record.ask_stop(run, key.actor, self._clock())
        match answer:
            case StopAnswer.ASKED:
                self._schedule.stop(run)
            case StopAnswer.DISCARDED:
                self._schedule.wake()
            case StopAnswer.TOO_LATE:
                raise Refused(cannot_stop(found), reason=Refusal.TOO_LATE)
            case StopAnswer.OVER:
                pass
            case _:
                assert_never(answer)
        return await self._sight.run(key, run)

    async def _hold(
        self,
        key: ApiKey,
        stacks: Sequence[str],
        reason: str,
        duration: timedelta | None,
    ) -> tuple[Hold, ...]:
        hidden = await self._hidden(key, reason, stacks)
        return await self._holds.take(
            key.actor, stacks, reason=hidden, duration=duration
        )

    async def _release(
        self, key: ApiKey, stacks: Sequence[str], reason: str
    ) -> tuple[Hold, ...]:
        hidden = await self._hidden(key, reason, stacks)
        return await self._holds.release(key.actor, stacks, reason=hidden)

    async def _begin(self, key: ApiKey, run: RunId) -> tuple[Seen, Claim]:
        found = await self._sight.readable(key, run)
        try:
            claim = await self._outside.begin(key.actor, run)
        except Refused as refusal:
            is_early = refusal.reason is Refusal.TOO_LATE
            if is_early and found.state is RunState.QUEUED:
                raise _NotYet(str(refusal), reason=refusal.reason) from refusal
            raise
        return await self._sight.run(key, run), claim

    async def _heartbeat(self, key: ApiKey, run: RunId, fence: int | None) -> Seen:
        await self._sight.readable(key, run)
        alive = await self._outside.heartbeat(key.actor, run, fence)
        return await self._sight.seen(key, alive)

    async def _finish(
        self, key: ApiKey, run: RunId, fence: int, exit_code: int
    ) -> Seen:
        await self._sight.readable(key, run)
        over = await self._outside.finish(key.actor, run, fence, exit_code)
        return await self._sight.seen(key, over)

    async def _hidden(self, key: ApiKey, reason: str, stacks: Sequence[str]) -> str:
        """Return *reason* without the secrets of *stacks*, all of which exist."""
        for stack in [self._sight.known(key, name) for name in stacks]:
            if not reason:
                continue
            if key.role_on(stack.name) >= Role.WRITER:
                reason = await self._secrecy.of_writer(reason, stack)
            else:
                reason = await self._secrecy.of_anybody(reason, stack)
        return reason

    async def _has_row(self, actor: Actor) -> bool:
        """Tell whether a refusal has a row; say in one row where no more have."""
        row = self._rows.next(actor)
        if row is Row.AND_MORE:
            await self._record.refuse(
                Deed(verb=Verb.REFUSED, actor=actor, at=self._clock(), detail=_AND_MORE)
            )
        return row is Row.WHOLE

    async def _note(self, refusal: Refused, wish: _Wish) -> None:
        if not await self._has_row(wish.key.actor):
            return
        kept = f"{wish.what} {await self._kept(wish)}".strip()
        await self._record.refuse(
            Deed(
                verb=Verb.REFUSED,
                actor=wish.key.actor,
                at=self._clock(),
                stack=wish.stack[:_KEPT],
                run=wish.run,
                detail=f"{refusal.reason}: {kept}",
            )
        )

    async def _kept(self, wish: _Wish) -> str:
        if not wish.text:
            return ""
        if wish.known.about is not None:
            return wish.known.about.text(wish.text)
        stack = self._catalog.stacks.get(StackName(wish.stack))
        return await self._secrecy.of_anybody(wish.text, stack)


@contextmanager
def _in_sentences() -> Iterator[None]:
    """Turn what other hands and other services did into refusals."""
    try:
        yield
    except RoleSourceUnavailable as unheard:
        raise unheard.refused() from unheard
    except IdempotencyConflict as used:
        raise Refused(_CONFLICT, reason=Refusal.CONFLICT) from used
    except IllegalTransition as late:
        raise Refused(_FIRST.format(late), reason=Refusal.TOO_LATE) from late


def _idempotency(name: str | None, *asked: object) -> Idempotency | None:
    if name is None:
        return None
    # A JSON list keeps the fields apart whatever they contain.
    digest = sha256(json.dumps(asked, ensure_ascii=True).encode()).hexdigest()
    return Idempotency(key=name, digest=digest)
