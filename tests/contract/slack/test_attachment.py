"""A thread has one file of a run's output, and none from before a redaction."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import cast

import pytest
from slack_sdk.errors import SlackApiError

from bot.domain.people import ChannelId
from bot.domain.run import Run, RunId, ThreadId
from bot.domain.telling import Final
from bot.ports import Archive, Letter, LetterId, Thread
from bot.sandbox.faults import BadGateway, Refuse
from bot.slack.attachment import Attachment
from bot.slack.search import NOTHING, Traces
from tests.contract.slack.conftest import Town
from tests.support.builders import STACK, a_run

RUN = a_run()
NAME = "net-prod-run-1.log"


@dataclass
class Outputs:
    """The output of every run."""

    content: bytes = b"all of it"

    async def output(self, _run: RunId) -> AsyncIterator[bytes]:
        yield self.content


@dataclass
class Stage:
    """An attachment, and a letter of a thread that it belongs to."""

    town: Town
    attachment: Attachment
    letter: Letter

    async def attach(self, *, revision: int) -> str:
        """Attach the output, and return the id of its file."""
        known = {*self.town.workspace.files}
        letter = replace(self.letter, revision=revision)
        assert await self.attachment.attach(letter, RUN, len(Outputs.content))
        new = {*self.town.workspace.files} - known
        return new.pop() if new else ""

    async def settle(self, *files: str, revision: int) -> tuple[str, ...]:
        letter = replace(self.letter, revision=revision)
        traces = Traces(files={NAME: files}) if files else NOTHING
        return await self.attachment.settle(letter, RUN, traces)

    def has(self, file: str) -> bool:
        return file in self.town.workspace.files


@pytest.fixture
async def stage(town: Town) -> Stage:
    ts = (await town.client.chat_postMessage(channel=town.infra, text="run"))["ts"]
    thread = Thread(
        id=ThreadId(1), channel=ChannelId(town.infra), ts=ts, stack=STACK, run=RUN.id
    )
    letter = Letter(
        id=LetterId(1),
        thread=thread,
        telling=Final(run=RUN.id),
        attempts=0,
        message_ts=None,
    )
    attachment = Attachment(town.client, cast("Archive", Outputs()))
    return Stage(town=town, attachment=attachment, letter=letter)


async def test_output_is_attached_once(stage: Stage) -> None:
    file = await stage.attach(revision=0)

    assert await stage.settle(revision=0) == ()
    assert await stage.attach(revision=0) == ""
    assert stage.has(file)


async def test_a_file_that_the_thread_has_is_not_attached_again(stage: Stage) -> None:
    assert await stage.settle("F0THERE", revision=0) == ()

    assert await stage.attach(revision=0) == ""


async def test_a_file_that_slack_has_not_shared_yet_is_taken_back_too(
    stage: Stage,
) -> None:
    file = await stage.attach(revision=0)

    assert await stage.settle(revision=1) == ()

    assert not stage.has(file)
    assert stage.has(await stage.attach(revision=1))


async def test_every_older_file_of_the_run_is_taken_back(stage: Stage) -> None:
    files = [
        await replace(
            stage, attachment=Attachment(stage.town.client, cast("Archive", Outputs()))
        ).attach(revision=0)
        for _ in range(2)
    ]

    await stage.settle(*files, revision=1)

    assert not any(map(stage.has, files))


async def test_the_file_of_this_revision_stays_when_it_is_told_again(
    stage: Stage,
) -> None:
    await stage.settle(revision=1)
    file = await stage.attach(revision=1)

    await stage.settle(file, revision=1)

    assert stage.has(file)
    assert await stage.attach(revision=1) == ""


async def test_a_file_that_is_gone_already_is_no_trouble(stage: Stage) -> None:
    assert await stage.settle("F0GONE", revision=1) == ()


async def test_trouble_that_passes_is_waited_for(stage: Stage) -> None:
    file = await stage.attach(revision=0)
    stage.town.sandbox.faults.add("files.delete", BadGateway())

    with pytest.raises(SlackApiError):
        await stage.settle(revision=1)
    assert stage.has(file)
    await stage.settle(revision=1)

    assert not stage.has(file)


async def test_why_a_file_is_still_there_is_returned(stage: Stage) -> None:
    file = await stage.attach(revision=0)
    stage.town.sandbox.faults.add("files.delete", Refuse("cant_delete_file"))

    assert await stage.settle(revision=1) == ("cant_delete_file",)
    assert stage.has(file)


async def test_a_run_of_another_stack_keeps_its_file(stage: Stage) -> None:
    other: Run = a_run(stack="db-prod", number=2)
    letter = replace(stage.letter, revision=1)

    found = Traces(files={"db-prod-run-2.log": ("F0OTHER",)})

    assert await stage.attachment.settle(letter, RUN, found) == ()
    assert stage.town.called("files.delete") == 0
    await stage.attachment.settle(letter, other, found)
    assert stage.town.called("files.delete") == 1


UPLOAD = "files.getUploadURLExternal"


async def test_no_outage_costs_the_final_message_its_file(stage: Stage) -> None:
    faults = stage.town.sandbox.faults
    for method in (UPLOAD, "auth.test"):
        faults.add(method, BadGateway(), times=20)

    stage = replace(stage, letter=replace(stage.letter, attempts=9))
    for _ in range(20):
        with pytest.raises(SlackApiError):
            await stage.attach(revision=0)

    assert await stage.attach(revision=0)


async def test_a_file_that_slack_alone_does_not_take_is_done_without(
    stage: Stage,
) -> None:
    stage.town.sandbox.faults.add(UPLOAD, BadGateway(), times=6)

    for _ in range(5):
        with pytest.raises(SlackApiError):
            await stage.attach(revision=0)

    assert not await stage.attachment.attach(stage.letter, RUN, 9)
