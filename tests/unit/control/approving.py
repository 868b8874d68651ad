"""A stage on which runs wait for approval."""

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from bot.control.access import Access
from bot.control.adjudicate import Adjudicate
from bot.control.approve import Approve, Wanted
from bot.control.consent import Consent
from bot.control.policing import Policing
from bot.control.secrecy import Secrecy
from bot.domain.approval import Decision
from bot.domain.people import Actor
from bot.domain.rule import ApprovalRule
from bot.domain.run import Approval, Run
from bot.domain.stack import Catalog
from bot.ports import Policies
from bot.store.approvals import SqlApprovals
from tests.support.builders import a_new_run, an_actor, later
from tests.unit.control.stand_ins import (
    Stage,
    a_catalog,
    a_consent,
    a_policing,
    a_stack,
)

ANN, BOB, CAT = an_actor("ann"), an_actor("bob"), an_actor("cat")
WRITERS = (ANN.id, BOB.id, CAT.id)


@dataclass(kw_only=True)
class Bench:
    """The use cases of approval over a stage, and how often they woke others."""

    stage: Stage
    policies: Policies | None = None
    now: datetime = field(default_factory=lambda: later(60))
    wakes: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.stack = a_stack(approvals=ApprovalRule(count=1), writers=WRITERS)
        self.adjudicate = self._adjudicate()

    def changes(self, **fields: Any) -> None:
        """Change the stack in handrail.yaml, as if the bot had been restarted."""
        self.stack = replace(self.stack, **fields)
        self.adjudicate = self._adjudicate()

    @property
    def catalog(self) -> Catalog:
        return a_catalog(self.stack)

    @property
    def access(self) -> Access:
        return Access(
            catalog=self.catalog,
            directory=self.stage.people,
            keys=self.stage.keys,
            clock=self.clock,
        )

    @property
    def approvals(self) -> SqlApprovals:
        return SqlApprovals(self.stage.store.database)

    @property
    def policing(self) -> Policing:
        database, people = self.stage.store.database, self.stage.people
        return a_policing(self.access, people, database, self.policies, self.clock)

    @property
    def consent(self) -> Consent:
        database, people = self.stage.store.database, self.stage.people
        return a_consent(self.catalog, self.access, people, database, self.policies)

    @property
    def approve(self) -> Approve:
        return Approve(
            catalog=self.catalog,
            access=self.access,
            archive=self.stage.store.archive,
            approvals=self.approvals,
            policing=self.policing,
            secrecy=Secrecy((), self.stage.safe),
            clock=self.clock,
            wake=lambda: self.wakes.append("judge"),
        )

    def _adjudicate(self) -> Adjudicate:
        return Adjudicate(
            catalog=self.catalog,
            record=self.stage.record,
            approvals=self.approvals,
            policing=self.policing,
            engine=self.stage.engine,
            secrecy=Secrecy((), self.stage.safe),
            clock=self.clock,
            wake=lambda: self.wakes.append("schedule"),
        )

    def clock(self) -> datetime:
        return self.now

    async def submitted(self, command: str = "apply") -> Run:
        """Return a run that waits, and that nobody has been asked about yet."""
        new = replace(
            a_new_run(command),
            approval=Approval.PENDING,
            approval_expires=later(86_400),
        )
        return await self.stage.record.submit(new, later(0))

    async def pending(self, command: str = "apply") -> Run:
        """Return a run that waits for people."""
        run = await self.submitted(command)
        await self.adjudicate.look()
        return await self.run(run)

    async def approved(self) -> Run:
        """Return a ready run that bob approved."""
        run = await self.pending()
        await self.says(BOB, run)
        await self.adjudicate.look()
        await self.stage.record.promote(self.now)
        return await self.run(run)

    async def says(
        self,
        actor: Actor,
        run: Run,
        decision: Decision = Decision.APPROVE,
        **what: Any,
    ) -> None:
        """Have *actor* say yes or no."""
        await self.approve.review(
            run.id, Wanted(actor=actor, decision=decision, **what)
        )

    async def run(self, run: Run) -> Run:
        """Return *run* as it is now."""
        return await self.stage.store.archive.run(run.id)
