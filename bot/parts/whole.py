"""All parts of the bot."""
# ruff: noqa: D102 (each part says in its own class what it is)

from functools import cached_property, partial

from aiohttp import web
from slack_bolt.async_app import AsyncApp

from bot.api.documents import document_routes
from bot.api.routes import api_routes
from bot.control.attend import Attend
from bot.control.membership import Membership
from bot.control.missed import Missed
from bot.control.retention import Retention
from bot.control.watch import Watch
from bot.credentials.keys import COPY_LIFETIME
from bot.credentials.oidc import documents
from bot.parts.asked import Asked
from bot.parts.revealed import revealed
from bot.ports import Change
from bot.slack.catch_up import SlackReplies
from bot.slack.connection import (
    slack_app,
)
from bot.slack.delivery import Delivery
from bot.slack.hearing import Doors, Hearing
from bot.slack.listeners import Commands
from bot.slack.pacing import Pace
from bot.slack.post import Post
from bot.slack.refuge import Refuge
from bot.store.outbox import SqlOutbox
from bot.store.retention import SqlPerishables
from bot.store.wakes import SqlWakes


class Parts(Asked):
    """What the bot is made of: each part is made when another first asks for it."""

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
            signing_secret=revealed(self.settings.signing_secret),
            commands=Commands(
                task=self.settings.command, deploy=self.settings.deploy_command
            ),
            hearing=Hearing(
                submit=self.submit,
                reply=self.reply,
                notices=self.notices,
                form=self.form,
                home=self.home,
                doors=self.doors,
                look=self.missed.look,
                let_pass=self.missed.let_pass,
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
                approvals=self.approvals,
                clock=self.clock,
                above=self.catalog.above,
                stacks=self.catalog.stacks,
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
            wake={
                Change.RUNS: self._wake_for_runs,
                Change.OWNERS: self.recover.wake,
                Change.LETTERS: self.delivery.wake,
            },
            hear=self.perform.hear,
        )

    def _wake_for_runs(self) -> None:
        self.schedule.wake()
        self.adjudicate.wake()

    @cached_property
    def retention(self) -> Retention:
        return Retention(
            perishables=SqlPerishables(self.database),
            kept_for=self.catalog.retention,
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
