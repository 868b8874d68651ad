"""The file with a run's whole output: one in its thread, and never an older one."""

from collections import Counter
from typing import Final

import structlog
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.domain.people import ChannelId
from bot.domain.run import Run, RunId
from bot.ports import Archive, Letter
from bot.slack.refusals import CALL_FAILED, Trouble, is_gone, is_passing, trouble
from bot.slack.search import Traces
from bot.slack.upload import upload

log = structlog.get_logger(__name__)

#: after so many attempts, while Slack takes other things, the final message goes
#: without its file
_ATTEMPTS: Final = 5


class Attachment:
    """Attaches output, and takes back what was attached before a redaction."""

    def __init__(self, client: AsyncWebClient, archive: Archive) -> None:
        self._client = client
        self._archive = archive
        # By the letter's revision that it is of. Slack shares a file some time
        # after it took it, so looking through the thread may miss it.
        # A thread that has moved needs another where it goes on.
        self._attached: dict[tuple[RunId, ChannelId], tuple[int, str]] = {}
        self._failures: Counter[tuple[RunId, ChannelId]] = Counter()

    async def settle(self, letter: Letter, run: Run, traces: Traces) -> tuple[str, ...]:
        """Take back every file of *run* that is older than *letter*'s revision.

        Returns why some are still there. Raises Slack's errors where they pass.
        """
        place = run.id, letter.thread.channel
        shared = traces.files.get(_file_name(run), ())
        if not letter.revision:
            if shared:
                self._attached[place] = (0, shared[0])
            return ()
        revision, known = self._attached.get(place, (0, ""))
        current = known if revision == letter.revision else ""
        old = sorted({*shared, known} - {current, ""})
        trouble = [await self._delete(file) for file in old]
        if not current:
            self._attached.pop(place, None)
        return tuple(filter(None, trouble))

    async def attach(self, letter: Letter, run: Run, size: int) -> bool:
        """Attach the output, of *size* bytes, unless it is; False if it cannot be."""
        place = run.id, letter.thread.channel
        if place in self._attached:
            return True
        try:
            file = await upload(
                self._client,
                self._archive.output(run.id),
                size=size,
                filename=_file_name(run),
                channel=letter.thread.channel,
                thread_ts=letter.thread.ts or "",
            )
        except CALL_FAILED as error:
            if is_passing(error) and await self._may_pass(place, error):
                raise
            # The record keeps the output, and the final message says how to get it.
            log.warning("output not attached", run=run.id, error=str(error))
            return False
        self._attached[place] = (letter.revision, file)
        self._failures.pop(place, None)
        return True

    async def _may_pass(self, place: tuple[RunId, ChannelId], error: Exception) -> bool:
        """Tell whether to try again; raises Slack's errors where it is away."""
        if trouble(error) is Trouble.LIMITED:
            return True
        await self._client.auth_test()
        self._failures[place] += 1
        return self._failures[place] <= _ATTEMPTS

    async def _delete(self, file: str) -> str:
        try:
            await self._client.files_delete(file=file)
        except SlackApiError as error:
            if is_gone(error):
                return ""
            if is_passing(error):
                raise
            log.warning("file not deleted", file=file, error=str(error))
            return str(error.response.get("error"))
        return ""


def _file_name(run: Run) -> str:
    return f"{run.stack}-run-{run.id}.log"
