"""Show the last runs of a stack, a page at a time."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from bot.control.access import Access
from bot.control.reviewers import reviews_of
from bot.domain.approval import Reviews
from bot.domain.people import Actor, Role
from bot.domain.run import Run, RunId
from bot.domain.stack import Catalog, StackName
from bot.domain.task import HistoryRequest
from bot.ports import Approvals, Archive, RunQuery, Thread

#: runs of a page
PAGE: Final = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryPage:
    """Some runs of a stack, newest first, each with the thread that tells of it."""

    stack: StackName
    told: tuple[tuple[Run, Thread], ...]
    #: the run before which the next page begins; None: this was the last
    before: RunId | None
    #: of those that somebody had to agree to
    reviews: Mapping[RunId, Reviews] = field(default_factory=dict)


class History:
    """Readers may look; raises Refused for others."""

    def __init__(
        self,
        *,
        catalog: Catalog,
        access: Access,
        archive: Archive,
        approvals: Approvals,
    ) -> None:
        self._catalog = catalog
        self._access = access
        self._archive = archive
        self._approvals = approvals

    async def __call__(self, request: HistoryRequest, actor: Actor) -> HistoryPage:
        """Return the page that *actor* asks for."""
        stack = self._catalog.stack(request.stack)
        await self._access.require(Role.READER, actor, stack)
        start = (request.page - 1) * PAGE
        query = RunQuery(
            stacks=frozenset({stack.name}),
            before=request.before,
            limit=start + PAGE + 1,
        )
        found = (await self._archive.runs(query))[start:]
        shown = found[:PAGE]
        return HistoryPage(
            stack=stack.name,
            told=tuple(
                [(run, await self._archive.thread(run.thread)) for run in shown]
            ),
            before=shown[-1].id if len(found) > PAGE else None,
            reviews={run.id: await reviews_of(self._approvals, run) for run in shown},
        )
