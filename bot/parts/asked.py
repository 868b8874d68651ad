"""What people and API keys ask for."""
# ruff: noqa: D102 (each part says in its own class what it is)

from functools import cached_property

from bot.control.approve import Approve
from bot.control.check_task import CheckTask
from bot.control.deploy import Deploy
from bot.control.enlist import Enlist
from bot.control.form import Form
from bot.control.history import History
from bot.control.hold_words import HoldWords
from bot.control.holds import Holds
from bot.control.home import Home
from bot.control.notices import Notices
from bot.control.outside import Outside
from bot.control.redact import Redact
from bot.control.reply import Reply
from bot.control.requests import Requests
from bot.control.run_words import RunWords, Ways
from bot.control.submit import Submit
from bot.parts.driven import Driven
from bot.slack.removal import SlackMessages


class Asked(Driven):
    """The use cases behind a command, a word or a request."""

    @cached_property
    def enlist(self) -> Enlist:
        return Enlist(
            catalog=self.catalog,
            access=self.access,
            directory=self.directory,
            record=self.record,
            archive=self.archive,
            clock=self.clock,
            secrecy=self.secrecy,
            policing=self.policing,
            promote=self.schedule.promote,
            refusals=self.hold_refusals,
        )

    @cached_property
    def submit(self) -> Submit:
        return Submit(
            catalog=self.catalog,
            access=self.access,
            record=self.record,
            clock=self.clock,
            secrecy=self.secrecy,
            enlist=self.enlist,
            history=History(
                catalog=self.catalog,
                access=self.access,
                archive=self.archive,
                approvals=self.approvals,
            ),
            check=CheckTask(
                catalog=self.catalog,
                access=self.access,
                archive=self.archive,
                secrecy=self.secrecy,
                enlist=self.enlist,
                policing=self.policing_by(self.policies),  # of it nothing is kept
                refusals=self.hold_refusals,
            ),
        )

    @cached_property
    def form(self) -> Form:
        return Form(
            catalog=self.catalog,
            access=self.access,
            archive=self.archive,
            record=self.record,
            clock=self.clock,
            secrecy=self.secrecy,
            enlist=self.enlist,
            refusals=self.hold_refusals,
        )

    @cached_property
    def home(self) -> Home:
        return Home(
            catalog=self.catalog,
            access=self.access,
            archive=self.archive,
            approvals=self.approvals,
            policing=self.policing,
            clock=self.clock,
        )

    @cached_property
    def holds(self) -> Holds:
        return Holds(
            catalog=self.catalog,
            access=self.access,
            record=self.record,
            archive=self.archive,
            clock=self.clock,
            wake=self.schedule.wake,
            refusals=self.hold_refusals,
        )

    @cached_property
    def deploy(self) -> Deploy:
        return Deploy(
            catalog=self.catalog,
            access=self.access,
            record=self.record,
            archive=self.archive,
            clock=self.clock,
            schedule=self.schedule,
            refusals=self.hold_refusals,
        )

    @cached_property
    def outside(self) -> Outside:
        return Outside(
            access=self.access,
            catalog=self.catalog,
            record=self.record,
            archive=self.archive,
            consent=self.consent,
            clock=self.clock,
            wake=self.schedule.wake,
        )

    @cached_property
    def approve(self) -> Approve:
        return Approve(
            catalog=self.catalog,
            access=self.access,
            archive=self.archive,
            approvals=self.approvals,
            policing=self.policing,
            secrecy=self.secrecy,
            clock=self.clock,
            wake=self.adjudicate.wake,
        )

    @cached_property
    def reply(self) -> Reply:
        return Reply(
            catalog=self.catalog,
            access=self.access,
            record=self.record,
            archive=self.archive,
            approvals=self.approvals,
            words=self.words,
            clock=self.clock,
            about_holds=HoldWords(
                holds=self.holds,
                access=self.access,
                record=self.record,
                words=self.words,
                secrecy=self.secrecy,
            ),
            about_runs=RunWords(
                record=self.record,
                archive=self.archive,
                clock=self.clock,
                secrecy=self.secrecy,
                ways=Ways(
                    redact=self.redact,
                    schedule=self.schedule,
                    deploy=self.deploy,
                    enlist=self.enlist,
                    outside=self.outside,
                    approve=self.approve,
                ),
            ),
        )

    @cached_property
    def redact(self) -> Redact:
        return Redact(
            record=self.record,
            messages=SlackMessages(self.client),
            hide=self.perform.hide,
            clock=self.clock,
        )

    @cached_property
    def requests(self) -> Requests:
        return Requests(
            catalog=self.catalog,
            record=self.record,
            archive=self.archive,
            enlist=self.enlist,
            holds=self.holds,
            outside=self.outside,
            schedule=self.schedule,
            secrecy=self.secrecy,
            clock=self.clock,
        )

    @cached_property
    def notices(self) -> Notices:
        return Notices(
            holds=self.holds,
            access=self.access,
            record=self.record,
            words=self.words,
            clock=self.clock,
        )
