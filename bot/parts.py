"""The composition root: the one place where concrete classes meet."""
# ruff: noqa: D102 (each part says in its own class what it is)

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, partial

from aiohttp import web
from pydantic import SecretStr
from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from bot.api.documents import document_routes
from bot.api.routes import api_routes
from bot.control.access import Access
from bot.control.attend import Attend
from bot.control.deploy import Deploy
from bot.control.enlist import Enlist
from bot.control.history import History
from bot.control.hold_refusals import HoldRefusals
from bot.control.hold_words import HoldWords
from bot.control.holds import Holds
from bot.control.job import Jobs
from bot.control.membership import Membership
from bot.control.missed import Missed
from bot.control.notices import Notices
from bot.control.outside import Leases, Outside
from bot.control.perform import Equipment, Perform
from bot.control.recover import Recover
from bot.control.redact import Redact
from bot.control.reply import Reply
from bot.control.requests import Requests
from bot.control.retention import Retention
from bot.control.run_words import RunWords, Ways
from bot.control.schedule import Schedule
from bot.control.secrecy import Secrecy
from bot.control.submit import Submit
from bot.control.watch import Watch
from bot.credentials.aws import AwsRoles
from bot.credentials.keys import COPY_LIFETIME, SigningKeys
from bot.credentials.oidc import OidcTokens, documents
from bot.credentials.together import Together
from bot.domain.replica import Replica
from bot.domain.stack import Catalog
from bot.installation import seal_key
from bot.ports import Clock
from bot.settings import Settings
from bot.slack.catch_up import SlackReplies
from bot.slack.connection import (
    slack_app,
)
from bot.slack.delivery import Delivery
from bot.slack.directory import SlackDirectory
from bot.slack.hearing import Doors, Hearing
from bot.slack.listeners import Commands
from bot.slack.pacing import Budget, Pace
from bot.slack.post import Post
from bot.slack.refuge import Refuge
from bot.slack.removal import SlackMessages
from bot.store.archive import SqlArchive
from bot.store.database import Database
from bot.store.drains import SqlDrains
from bot.store.keys import SqlKeys
from bot.store.outbox import SqlOutbox
from bot.store.record import SqlRecord
from bot.store.replicas import SqlReplicas
from bot.store.retention import SqlPerishables
from bot.store.wakes import SqlWakes
from bot.store.words import SqlWords
from runner.engine import Engine
from runner.seal import Seal
from runner.source import Sources


@dataclass(kw_only=True)
class Parts:
    """What the bot is made of: each part is made when another first asks for it."""

    settings: Settings
    catalog: Catalog
    engine: Engine
    environ: Mapping[str, str]
    client: AsyncWebClient
    database: Database
    replica: Replica
    installation: str
    secrecy: Secrecy
    budget: Budget
    clock: Clock

    @cached_property
    def directory(self) -> SlackDirectory:
        return SlackDirectory(self.client)

    @cached_property
    def record(self) -> SqlRecord:
        return SqlRecord(self.database, above=self.catalog.above, replica=self.replica)

    @cached_property
    def archive(self) -> SqlArchive:
        return SqlArchive(self.database)

    @cached_property
    def drains(self) -> SqlDrains:
        return SqlDrains(self.database)

    @cached_property
    def api_keys(self) -> SqlKeys:
        return SqlKeys(self.database)

    @cached_property
    def signing_keys(self) -> SigningKeys:
        return SigningKeys(self.settings.data_dir / "oidc", self.clock)

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
    def perform(self) -> Perform:
        return Perform(
            catalog=self.catalog,
            access=self.access,
            record=self.record,
            archive=self.archive,
            jobs=Jobs(
                values=self.secrecy.values,
                installation=self.installation,
                credentials=Together(
                    AwsRoles(self.environ),
                    OidcTokens(
                        issuer=self.catalog.oidc,
                        keys=self.signing_keys,
                        clock=self.clock,
                    ),
                ),
            ),
            secrecy=self.secrecy,
            equipment=Equipment(
                engine=self.engine,
                sources=Sources(self.settings.data_dir / "sources"),
                seal=self.seal,
            ),
            clock=self.clock,
        )

    @cached_property
    def seal(self) -> Seal:
        return Seal(seal_key(self.settings.data_dir, _revealed(self.settings.seal_key)))

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
    def enlist(self) -> Enlist:
        return Enlist(
            catalog=self.catalog,
            access=self.access,
            directory=self.directory,
            record=self.record,
            archive=self.archive,
            clock=self.clock,
            secrecy=self.secrecy,
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
                catalog=self.catalog, access=self.access, archive=self.archive
            ),
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
            clock=self.clock,
            wake=self.schedule.wake,
        )

    @cached_property
    def reply(self) -> Reply:
        return Reply(
            catalog=self.catalog,
            access=self.access,
            record=self.record,
            archive=self.archive,
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

    @cached_property
    def words(self) -> SqlWords:
        return SqlWords(self.database)

    @cached_property
    def doors(self) -> Doors:
        return Doors()

    @cached_property
    def missed(self) -> Missed:
        replies = SlackReplies(
            client=self.client, reply=self.reply, team=self.catalog.workspace
        )
        return Missed(
            words=self.words,
            replies=replies,
            replicas=self.replicas,
            clock=self.clock,
        )

    @cached_property
    def slack(self) -> AsyncApp:
        return slack_app(
            self.client,
            signing_secret=_revealed(self.settings.signing_secret),
            commands=Commands(
                task=self.settings.command, deploy=self.settings.deploy_command
            ),
            hearing=Hearing(
                submit=self.submit,
                reply=self.reply,
                notices=self.notices,
                doors=self.doors,
                look=self.missed.look,
            ),
        )

    @cached_property
    def delivery(self) -> Delivery:
        return Delivery(
            outbox=SqlOutbox(self.database),
            archive=self.archive,
            post=Post(
                client=self.client,
                archive=self.archive,
                clock=self.clock,
                above=self.catalog.above,
            ),
            pace=Pace(self.budget),
            clock=self.clock,
            duty=self.membership.delivers,
            refuge=Refuge(
                fallback=self.catalog.channel,
                admins=self.catalog.admins,
                with_readers=frozenset(
                    name
                    for name, stack in self.catalog.stacks.items()
                    if stack.readers is not None
                ),
            ),
        )

    @cached_property
    def watch(self) -> Watch:
        return Watch(
            catalog=self.catalog,
            directory=self.directory,
            keys=self.api_keys,
            record=self.record,
            archive=self.archive,
            clock=self.clock,
            wake=self.schedule.wake,
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
    def replicas(self) -> SqlReplicas:
        return SqlReplicas(self.database, self.replica)

    @cached_property
    def membership(self) -> Membership:
        return Membership(
            replicas=self.replicas,
            drains=self.drains,
            clock=self.clock,
            alone=not self.settings.has_replicas,
            superseded=partial(self.schedule.let_go_of_others, self.replica.id),
            bereaved=self.missed.look,
        )

    @cached_property
    def attend(self) -> Attend:
        return Attend(
            wakes=SqlWakes(self.database),
            wake=(self.schedule.wake, self.recover.wake, self.delivery.wake),
            hear=self.perform.hear,
        )

    @cached_property
    def retention(self) -> Retention:
        return Retention(
            perishables=SqlPerishables(self.database),
            kept_for=self.catalog.retention,
            clock=self.clock,
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

    @property
    def routes(self) -> tuple[web.RouteDef, ...]:
        """Return what is served beside Slack: the API, and who signs tokens."""
        return (*self._api_routes, *self._documents)

    @property
    def _documents(self) -> tuple[web.RouteDef, ...]:
        if self.catalog.oidc is None:
            return ()
        return document_routes(
            documents(self.catalog.oidc, self.signing_keys),
            max_age=int(COPY_LIFETIME.total_seconds()),
        )

    @property
    def _api_routes(self) -> tuple[web.RouteDef, ...]:
        if not self.settings.serves_api:
            return ()
        return api_routes(
            requests=self.requests,
            keys=self.api_keys,
            clock=self.clock,
            proxies=self.settings.proxies,
        )


def _revealed(secret: SecretStr | None) -> str | None:
    return None if secret is None else secret.get_secret_value()
