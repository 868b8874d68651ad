"""What is kept, and where people are looked up."""
# ruff: noqa: D102 (each part says in its own class what it is)

from functools import cached_property

from bot.credentials.keys import SigningKeys
from bot.installation import seal_key
from bot.parts.given import Given
from bot.parts.revealed import revealed
from bot.slack.directory import SlackDirectory
from bot.store.approvals import SqlApprovals
from bot.store.archive import SqlArchive
from bot.store.drains import SqlDrains
from bot.store.keys import SqlKeys
from bot.store.record import SqlRecord
from bot.store.replicas import SqlReplicas
from bot.store.words import SqlWords
from runner.seal import Seal


class Kept(Given):
    """The adapters under the use cases."""

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
    def approvals(self) -> SqlApprovals:
        return SqlApprovals(self.database, above=self.catalog.above)

    @cached_property
    def drains(self) -> SqlDrains:
        return SqlDrains(self.database)

    @cached_property
    def api_keys(self) -> SqlKeys:
        return SqlKeys(self.database)

    @cached_property
    def words(self) -> SqlWords:
        return SqlWords(self.database)

    @cached_property
    def replicas(self) -> SqlReplicas:
        return SqlReplicas(self.database, self.replica)

    @cached_property
    def signing_keys(self) -> SigningKeys:
        return SigningKeys(self.settings.data_dir / "oidc", self.clock)

    @cached_property
    def seal(self) -> Seal:
        return Seal(seal_key(self.settings.data_dir, revealed(self.settings.seal_key)))
