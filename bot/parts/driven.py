"""What sees runs through, from the queue to their end."""
# ruff: noqa: D102 (each part says in its own class what it is)

from functools import cached_property

from bot.control.access import Access
from bot.control.adjudicate import Adjudicate
from bot.control.consent import Consent
from bot.control.following import Following
from bot.control.hold_refusals import HoldRefusals
from bot.control.job import Jobs
from bot.control.means import Means
from bot.control.outside import Leases
from bot.control.perform import Perform
from bot.control.policing import Policing
from bot.control.recover import Recover
from bot.control.sampling import Sampling
from bot.control.schedule import Schedule
from bot.credentials.aws import AwsRoles
from bot.credentials.oidc import OidcTokens
from bot.credentials.together import Together
from bot.parts.kept import Kept
from bot.ports import Policies
from runner.source import Sources


class Driven(Kept):
    """The use cases that nobody asks for: they go on by themselves."""

    @cached_property
    def access(self) -> Access:
        return Access(
            catalog=self.catalog,
            directory=self.directory,
            keys=self.api_keys,
            clock=self.clock,
        )

    @cached_property
    def hold_refusals(self) -> HoldRefusals:
        return HoldRefusals(
            catalog=self.catalog,
            access=self.access,
            archive=self.archive,
            clock=self.clock,
        )

    @cached_property
    def policing(self) -> Policing:
        return self.policing_by(
            Sampling(self.policies, self.approvals, clock=self.clock)
        )

    def policing_by(self, policies: Policies) -> Policing:
        return Policing(
            access=self.access,
            directory=self.directory,
            archive=self.archive,
            policies=policies,
            clock=self.clock,
        )

    @cached_property
    def consent(self) -> Consent:
        return Consent(
            catalog=self.catalog,
            access=self.access,
            policing=self.policing,
            approvals=self.approvals,
            clock=self.clock,
        )

    @cached_property
    def adjudicate(self) -> Adjudicate:
        return Adjudicate(
            catalog=self.catalog,
            record=self.record,
            approvals=self.approvals,
            policing=self.policing,
            engine=self.engine,
            secrecy=self.secrecy,
            clock=self.clock,
            wake=self.schedule.wake,
        )

    @cached_property
    def perform(self) -> Perform:
        means = Means(
            catalog=self.catalog,
            access=self.access,
            consent=self.consent,
            archive=self.archive,
            jobs=self.jobs,
            secrecy=self.secrecy,
            engine=self.engine,
            sources=Sources(self.settings.data_dir / "sources"),
            seal=self.seal,
            following=Following(
                record=self.record,
                archive=self.archive,
                secrecy=self.secrecy,
                seal=self.seal,
                installation=self.installation,
            ),
            clock=self.clock,
        )
        return Perform(means, self.record)

    @cached_property
    def jobs(self) -> Jobs:
        tokens = OidcTokens(
            issuer=self.catalog.oidc, keys=self.signing_keys, clock=self.clock
        )
        return Jobs(
            values=self.secrecy.values,
            installation=self.installation,
            credentials=Together(AwsRoles(self.environ), tokens),
        )

    @cached_property
    def schedule(self) -> Schedule:
        return Schedule(
            record=self.record,
            archive=self.archive,
            perform=self.perform,
            slots=self.catalog.slots,
            clock=self.clock,
        )

    @cached_property
    def leases(self) -> Leases:
        return Leases(
            record=self.record,
            driven=self.schedule.driven,
            clock=self.clock,
            wake=self.schedule.wake,
        )

    @cached_property
    def recover(self) -> Recover:
        return Recover(
            record=self.record,
            archive=self.archive,
            engine=self.engine,
            perform=self.perform,
            schedule=self.schedule,
            installation=self.installation,
            replica=self.replica,
            clock=self.clock,
        )
