"""What policies and the built-in rules of a stack make of a run."""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final

import structlog

from bot.control.access import Access
from bot.control.allow_list import matches
from bot.domain.approval import Decision, Judgment, Review, Reviews
from bot.domain.errors import PolicyUnavailable, Refusal, Refused
from bot.domain.judging import by_rule, by_ruling, rule_of, together
from bot.domain.opinion import (
    BUILT_IN,
    Opinion,
    asks_nobody,
    listed,
    of_denials,
    of_judgment,
    only_presets,
    refusals,
)
from bot.domain.people import Actor, ActorKind, Role, UserId
from bot.domain.policy import Policy, PolicyKind, Session
from bot.domain.policy_input import Situation, approval_document, task_document
from bot.domain.rule import EXPIRES, ApprovalRule
from bot.domain.run import Approval, Run, RunId, RunType, ThreadId
from bot.domain.stack import Stack
from bot.ports import (
    Archive,
    Clock,
    Directory,
    NewRun,
    Policies,
    RunQuery,
)

log = structlog.get_logger(__name__)

_NO_REVIEWS: Final = Reviews()


class Policing:
    """Asks every policy and rule that a stack has. In doubt the answer is no."""

    def __init__(
        self,
        *,
        access: Access,
        directory: Directory,
        archive: Archive,
        policies: Policies,
        clock: Clock,
    ) -> None:
        self._access = access
        self._directory = directory
        self._archive = archive
        self._policies = policies
        self._clock = clock

    async def prepare(self, stacks: Iterable[Stack]) -> None:
        """Have the policies of *stacks* compiled before somebody waits for them."""
        policies = {policy.path: policy for it in stacks for policy in it.policies}
        for policy in policies.values():
            try:
                await self._policies.kind(policy)
            except PolicyUnavailable as unknown:
                log.warning("policy not compiled", error=str(unknown))

    async def admitted(self, new: NewRun, stack: Stack) -> NewRun:
        """Return *new* with what it has to wait for, or refuse it with every reason.

        Raises RoleSourceUnavailable.
        """
        new = replace(new, session=await self.session(new.actor, stack))
        try:
            denied = refusals(await self._on_creation(new, stack))
            asks = await self.asks(new, stack)
        except PolicyUnavailable as unknown:
            raise Refused(str(unknown), reason=Refusal.POLICY) from unknown
        if denied:
            raise Refused("\n".join(denied), reason=Refusal.POLICY)
        if not asks:
            return new
        return replace(
            new,
            approval=Approval.PENDING,
            approval_expires=self._expires(rule_of(stack, new.preset)),
        )

    async def asks(self, run: NewRun | Run, stack: Stack) -> bool:
        """Tell whether a rule or a policy has to agree to *run* before it starts.

        Raises PolicyUnavailable.
        """
        if self._rule(run, stack) is not None:
            return True
        return any(kind.decides for _, kind in await self._kinds(stack))

    async def judge(self, run: Run, stack: Stack, reviews: Reviews) -> Judgment:
        """Return what all rules and policies of *stack* make of *run* and *reviews*.

        Raises PolicyUnavailable and RoleSourceUnavailable: nobody has agreed then.
        """
        judged = await self._judgments(run, stack, reviews)
        return together([judgment for _, judgment in judged])

    async def opinions(self, new: NewRun, stack: Stack) -> tuple[Opinion, ...]:
        """Return what each rule makes of *new* before anybody has said a word of it.

        Those that refuse come first at creation, then those that ask for people.
        Raises as `judge` does.
        """
        at_creation = await self._on_creation(new, stack)
        run = _imagined(new, self._clock())
        judged = await self._judgments(run, stack, _NO_REVIEWS)
        free = _free(run, rule_of(stack, new.preset))
        return (*at_creation, *free, *(of_judgment(*it) for it in judged))

    async def may_review(
        self,
        actor: Actor,
        stack: Stack,
        run: Run,
        *,
        decision: Decision = Decision.APPROVE,
        fresh: bool = False,
    ) -> bool:
        """Tell whether *actor*, who may do anything at all, may say so of *run*.

        Writers may, and whom the built-in rule names. Where that names somebody and no
        policy could count others, only those may agree. Raises RoleSourceUnavailable.
        """
        if actor.kind is not ActorKind.PERSON:
            return False
        if actor.is_same(run.actor) and not stack.self_review:
            return False
        rule = rule_of(stack, run.preset)
        if rule is not None and await self._is_asked(actor, rule, fresh=fresh):
            return True
        is_among_others = rule is None or not rule.from_ or bool(stack.policies)
        if decision is Decision.APPROVE and not is_among_others:
            return False
        return await self._access.role(actor, stack, fresh=fresh) >= Role.WRITER

    async def still_agreed(
        self, run: Run, stack: Stack, approvals: Sequence[Review]
    ) -> list[Review]:
        """Return those of *approvals* that count by now, asked afresh.

        Where fewer agree than the built-in rule asks for, only who it asks for counts.
        Raises RoleSourceUnavailable.
        """
        able = await self._able(run, stack, approvals, fresh=True)
        rule = self._rule(run, stack)
        if rule is None:
            return able
        asked = await self._asked(rule, able, fresh=True)
        return able if len(asked) >= rule.count else asked

    async def session(
        self, actor: Actor, stack: Stack, *, fresh: bool = False
    ) -> Session:
        """Return as whom *actor* acts on *stack*; raise RoleSourceUnavailable."""
        role = await self._access.role(actor, stack, fresh=fresh)
        is_person = actor.kind is ActorKind.PERSON
        teams: tuple[str, ...] = ()
        # Who has no policies is not made to depend on what only these look at.
        if is_person and stack.policies:
            teams = await self._directory.teams(UserId(actor.id), fresh=fresh)
        return Session(
            login=actor.id,
            name=actor.name,
            teams=teams,
            admin=role is Role.ADMIN,
            machine=not is_person,
        )

    async def _on_creation(self, new: NewRun, stack: Stack) -> tuple[Opinion, ...]:
        kinds = await self._kinds(stack)
        if new.type is not RunType.TASK:
            return ()
        is_free = not new.preset and not new.own
        built_in = (only_presets(stack),) if stack.deny_tasks and is_free else ()
        asked = [policy for policy, kind in kinds if kind.denies]
        if not asked:
            return built_in
        document = task_document(
            new.command,
            new.session or await self.session(new.actor, stack),
            self._clock(),
            await self._situation(stack),
        )
        rulings = await self._policies.rulings(asked, document)
        return (*built_in, *map(of_denials, rulings))

    async def _judgments(
        self, run: Run, stack: Stack, reviews: Reviews
    ) -> list[tuple[str, Judgment]]:
        """Return what each has made of *run* that has to agree, by its name."""
        judged = []
        rule = self._rule(run, stack)
        if rule is not None:
            able = await self._able(run, stack, reviews.approvals)
            agreed = await self._asked(rule, able)
            judgment = by_rule(rule, stack, agreed, reviews.rejections)
            judged.append((BUILT_IN, judgment))
        asked = [policy for policy, kind in await self._kinds(stack) if kind.decides]
        if asked:
            situation = await self._situation(stack)
            document = approval_document(run, reviews, situation)
            rulings = await self._policies.rulings(asked, document)
            judged += [(ruling.policy, by_ruling(ruling)) for ruling in rulings]
        return judged

    def _rule(self, run: NewRun | Run, stack: Stack) -> ApprovalRule | None:
        """Return the built-in rule that *run* has to wait for, if there is one."""
        rule = rule_of(stack, run.preset)
        if rule is None or rule.count < 1:
            return None
        return None if _listed(run, rule) else rule

    async def _able(
        self,
        run: Run,
        stack: Stack,
        approvals: Iterable[Review],
        *,
        fresh: bool = False,
    ) -> list[Review]:
        """Return those of *approvals* whose authors may give one."""
        return [
            it
            for it in approvals
            if await self.may_review(it.actor, stack, run, fresh=fresh)
        ]

    async def _asked(
        self, rule: ApprovalRule, approvals: Iterable[Review], *, fresh: bool = False
    ) -> list[Review]:
        """Return those of *approvals* that *rule* asks for."""
        return [
            it
            for it in approvals
            if not rule.from_ or await self._is_asked(it.actor, rule, fresh=fresh)
        ]

    async def _is_asked(self, actor: Actor, rule: ApprovalRule, *, fresh: bool) -> bool:
        return await self._access.is_among(UserId(actor.id), rule.from_, fresh=fresh)

    async def _kinds(self, stack: Stack) -> list[tuple[Policy, PolicyKind]]:
        kinds = await asyncio.gather(*map(self._policies.kind, stack.policies))
        return list(zip(stack.policies, kinds, strict=True))

    async def _situation(self, stack: Stack) -> Situation:
        hold = (await self._archive.occupancy(stack.name)).hold
        deploys = RunQuery(
            stacks=frozenset({stack.name}), type=RunType.TRACKED, limit=1
        )
        newest = await self._archive.runs(deploys)
        return Situation(
            stack=stack,
            locked_by=None if hold is None else hold.actor.id,
            state=newest[0].state if newest else None,
        )

    def _expires(self, rule: ApprovalRule | None) -> datetime | None:
        length = EXPIRES if rule is None else rule.expires
        return None if length is None else self._clock() + length


def _listed(run: NewRun | Run, rule: ApprovalRule) -> str:
    """Return the entry of *rule*'s allow-list that matches *run*, or nothing."""
    # What a deploy applies is in no list of commands, and what a CI says that it will
    # run is for the record alone.
    if run.type is not RunType.TASK:
        return ""
    return next((it for it in rule.except_ if matches(it, run.command)), "")


def _free(run: Run, rule: ApprovalRule | None) -> tuple[Opinion, ...]:
    """Return why nobody has to agree to *run*, where there is a *rule*."""
    if rule is None:
        return ()
    if rule.count < 1:
        return (asks_nobody(run.preset),)
    entry = _listed(run, rule)
    return (listed(entry),) if entry else ()


def _imagined(new: NewRun, at: datetime) -> Run:
    """Return the run that *new* would become."""
    return Run(
        id=RunId(0),
        thread=ThreadId(0),
        type=new.type,
        stack=new.stack,
        command=new.command,
        apply=new.apply,
        outside=new.outside,
        skip_init=new.skip_init,
        preset=new.preset,
        parameters=new.parameters,
        actor=new.actor,
        session=new.session,
        created_at=at,
        state_since=at,
        approval=Approval.PENDING,
    )
