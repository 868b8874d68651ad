"""A run belongs to one replica at a time, and goes on whatever becomes of that."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from bot.control import admission, drive
from bot.control.perform import Perform
from bot.domain.audit import Verb
from bot.domain.errors import Superseded
from bot.domain.people import HANDRAIL
from bot.domain.replica import Replica, ReplicaId
from bot.domain.run import Reason, Run, RunState
from bot.domain.telling import Said
from bot.ports import Ended
from bot.store.replicas import SqlReplicas
from runner.job import Limits
from runner.masking.secrets import Secret
from tests.support.builders import a_new_run
from tests.unit.control.stand_ins import Stage, a_stack, a_stage, utc_now

ONE = Replica(id=ReplicaId("one"))
OTHER = Replica(id=ReplicaId("other"))
BEFORE, AFTER = b"before\n", b"after\n"


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    async with a_stage(tmp_path) as stage:
        stage.engine.on("apply", BEFORE, block=True, then=AFTER)
        yield stage


@asynccontextmanager
async def driven(perform: Perform, run: Run) -> AsyncIterator[asyncio.Task[None]]:
    task = asyncio.create_task(perform(run, asyncio.Event()))
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@asynccontextmanager
async def driven_again(perform: Perform, run: Run) -> AsyncIterator[asyncio.Task[None]]:
    task = asyncio.create_task(perform.again(run, asyncio.Event()))
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def performing(stage: Stage) -> None:
    """Wait until what was printed first is stored."""
    async with asyncio.timeout(10):
        await stage.record.stored.wait()


async def until_told(stage: Stage, words: str) -> None:
    async with asyncio.timeout(10):
        while not any(words in text for text in await said(stage)):  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def out_of_sight(stage: Stage, run: Run) -> None:
    async with asyncio.timeout(10):
        while not (  # noqa: ASYNC110 - nobody tells of it
            (await stage.store.archive.run(run.id)).lost_since
        ):
            await asyncio.sleep(0.01)


def away(stage: Stage) -> None:
    """Have the engine not answer, also whoever waits for what it tells."""
    stage.engine.available = False
    for container in stage.engine._containers.values():
        container._tell_news()


async def output(stage: Stage, run: Run) -> bytes:
    return b"".join([piece async for piece in stage.store.archive.output(run.id)])


async def said(stage: Stage) -> list[str]:
    return [one.text for one in await stage.store.told() if isinstance(one, Said)]


async def test_another_replica_takes_up_a_run_and_the_first_can_write_no_more(
    stage: Stage,
) -> None:
    first, second = await stage.joined_as(ONE), await stage.joined_as(OTHER)
    run = await first.ready(a_new_run("apply"))
    async with driven(first.perform(), run) as one:
        await performing(first)
        await SqlReplicas(stage.store.database, ONE).leave(utc_now())

        (adopted,) = await second.record.adopt(utc_now(), tuple)
        assert adopted.owner == OTHER.id
        other = asyncio.create_task(second.perform().again(adopted, asyncio.Event()))
        stage.engine.release("apply")
        await other

        with pytest.raises(Superseded):
            await one

    over = await stage.store.archive.run(run.id)
    assert (over.state, over.exit_code) == (RunState.FINISHED, 0)
    assert await output(stage, run) == BEFORE + AFTER


async def test_an_engine_that_is_away_is_told_once_and_the_run_goes_on(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drive, "_ASK_AGAIN_SECONDS", 0.01)
    run = await stage.ready(a_new_run("apply"))
    async with driven(stage.perform(), run) as task:
        await performing(stage)
        away(stage)
        await out_of_sight(stage, run)
        assert (await stage.store.archive.run(run.id)).state is RunState.PERFORMING
        stage.engine.available = True
        stage.engine.release("apply")
        async with asyncio.timeout(10):
            await task

    over = await stage.store.archive.run(run.id)
    assert (over.state, over.lost_since) == (RunState.FINISHED, None)
    assert await output(stage, run) == BEFORE + AFTER


async def test_a_run_of_which_no_container_was_started_begins_anew(
    stage: Stage,
) -> None:
    run = await stage.ready(a_new_run("apply"))
    started = await stage.record.start(run.id, utc_now())
    assert started is not None
    stage.engine.release("apply")

    await stage.perform().again(started, asyncio.Event())

    over = await stage.store.archive.run(run.id)
    assert (over.state, over.exit_code) == (RunState.FINISHED, 0)
    assert len(stage.engine.jobs) == 1


async def test_how_a_container_ended_is_known_although_it_was_removed(
    stage: Stage,
) -> None:
    run = await stage.ready(a_new_run("apply"))
    started = await stage.record.start(run.id, utc_now())
    assert started is not None
    await stage.record.advance(run.id, RunState.PERFORMING, utc_now())
    kept = Ended(
        state=RunState.FAILED, actor=HANDRAIL, reason=Reason.EXIT_CODE, exit_code=3
    )
    await stage.record.conclude(run.id, kept)

    now = await stage.store.archive.run(run.id)
    await stage.perform().again(now, asyncio.Event())

    over = await stage.store.archive.run(run.id)
    assert (over.reason, over.exit_code) == (Reason.EXIT_CODE, 3)


async def test_an_admin_releases_a_run_whose_engine_does_not_come_back(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drive, "_ASK_AGAIN_SECONDS", 0.01)
    run = await stage.ready(a_new_run("apply"))
    async with driven(stage.perform(), run) as task:
        await performing(stage)
        away(stage)
        await out_of_sight(stage, run)

        settled = await stage.record.settle(run.id, HANDRAIL, "it burnt", utc_now())
        assert settled
        with pytest.raises(Superseded):
            await asyncio.wait_for(task, 10)

    over = await stage.store.archive.run(run.id)
    assert (over.state, over.reason) == (RunState.FAILED, Reason.LOST)
    assert (await stage.store.archive.occupancy(run.stack)).claim is None


async def test_what_another_replica_was_asked_to_hide_is_hidden_here(
    stage: Stage,
) -> None:
    first, second = await stage.joined_as(ONE), await stage.joined_as(OTHER)
    stage.engine.on("apply", b"hunter22\n", block=True, then=b"again hunter22\n")
    run = await first.ready(a_new_run("apply"))
    perform = first.perform()
    async with driven(perform, run) as task:
        await performing(first)
        await second.perform().hide(run.id, Secret("redacted text", b"hunter22"))

        await perform.hear()
        stage.engine.release("apply")
        await asyncio.wait_for(task, 10)

    assert await output(stage, run) == b"*****\nagain *****\n"


async def test_what_was_to_be_hidden_is_hidden_by_whoever_takes_the_run_up(
    stage: Stage,
) -> None:
    run = await stage.ready(a_new_run("apply"))
    stage.engine.on("apply", b"quiet\n", block=True, then=b"hunter22\n")
    async with driven(stage.perform(), run):
        await performing(stage)
    await stage.perform().hide(run.id, Secret("redacted text", b"hunter22"))
    stage.engine.release("apply")

    now = await stage.store.archive.run(run.id)
    await stage.perform().again(now, asyncio.Event())

    assert await output(stage, run) == b"quiet\n*****\n"


async def test_a_slack_that_is_away_is_asked_again_before_a_run_starts(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(admission, "_LONGEST_PAUSE", 0.01)
    monkeypatch.setattr(admission, "_PAUSES", ())
    run = await stage.ready(a_new_run("apply"))
    stage.engine.release("apply")
    stage.people.away, stage.people.again_in = True, 0.01
    async with driven(stage.perform(), run) as task:
        await until_told(stage, "Slack is asked again")
        stage.people.away = False
        await asyncio.wait_for(task, 10)

    over = await stage.store.archive.run(run.id)
    assert (over.state, over.exit_code) == (RunState.FINISHED, 0)


async def test_a_run_that_waits_for_slack_can_be_stopped(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(admission, "_LONGEST_PAUSE", 0.01)
    monkeypatch.setattr(admission, "_PAUSES", ())
    run, stop = await stage.ready(a_new_run("apply")), asyncio.Event()
    stage.people.away, stage.people.again_in = True, 60.0
    task = asyncio.create_task(stage.perform()(run, stop))
    await until_told(stage, "Slack is asked again")

    stop.set()
    await asyncio.wait_for(task, 10)

    assert (await stage.store.archive.run(run.id)).state is RunState.STOPPED
    assert stage.engine.jobs == []


async def test_an_engine_that_is_away_before_anything_began_is_waited_for(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drive, "_ASK_AGAIN_SECONDS", 0.01)
    run = await stage.ready(a_new_run("apply"))
    stage.engine.release("apply")
    stage.engine.available = False
    async with driven(stage.perform(), run) as task:
        await until_told(stage, "The run begins once the engine answers")
        stage.engine.available = True
        await asyncio.wait_for(task, 10)

    over = await stage.store.archive.run(run.id)
    assert (over.state, over.exit_code) == (RunState.FINISHED, 0)
    assert len(stage.engine.jobs) == 1


async def test_a_run_that_waits_for_its_engine_to_begin_can_be_stopped(
    stage: Stage,
) -> None:
    run, stop = await stage.ready(a_new_run("apply")), asyncio.Event()
    stage.engine.available = False
    task = asyncio.create_task(stage.perform()(run, stop))
    await until_told(stage, "until then stop ends it")

    stop.set()
    await asyncio.wait_for(task, 10)

    over = await stage.store.archive.run(run.id)
    assert over.state is RunState.STOPPED
    assert (await stage.store.archive.occupancy(run.stack)).claim is None


async def test_who_takes_a_lost_run_up_says_that_it_is_in_sight_again(
    stage: Stage,
) -> None:
    run = await stage.ready(a_new_run("apply"))
    async with driven(stage.perform(), run):
        await performing(stage)
        await stage.record.lose_sight(run.id, "Its engine is away.", utc_now())
    stage.engine.release("apply")

    now = await stage.store.archive.run(run.id)
    assert now.lost_since
    async with driven_again(stage.perform(), now) as task:
        await asyncio.wait_for(task, 10)

    verbs = [deed.verb for deed in await stage.store.deeds()]
    assert Verb.IN_SIGHT_AGAIN in verbs


async def test_a_wish_to_hide_what_ends_just_then_ends_nothing_else(
    stage: Stage,
) -> None:
    first, second = await stage.joined_as(ONE), await stage.joined_as(OTHER)
    run, perform = await first.ready(a_new_run("apply")), first.perform()
    async with driven(perform, run):
        await performing(first)
        await SqlReplicas(stage.store.database, ONE).leave(utc_now())
        await second.record.adopt(utc_now(), tuple)
        await second.perform().hide(run.id, Secret("redacted text", b"hunter22"))

        await perform.hear()
        await perform.hide(run.id, Secret("redacted text", b"hunter23"))


async def test_a_drive_that_fails_ends_its_own_run_and_no_other_owners(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = await stage.joined_as(ONE), await stage.joined_as(OTHER)
    run = await first.ready(a_new_run("apply"))
    started = await first.record.start(run.id, utc_now())
    assert started is not None
    await SqlReplicas(stage.store.database, ONE).leave(utc_now())
    await second.record.adopt(utc_now(), tuple)
    monkeypatch.setattr(drive.Drive, "go_on", _fails)

    with pytest.raises(Superseded):
        await first.perform().again(started, asyncio.Event())

    now = await stage.store.archive.run(run.id)
    assert (now.state, now.owner) == (RunState.PREPARING, OTHER.id)


async def _fails(_: drive.Drive) -> None:
    raise RuntimeError("a bug")


async def test_who_does_not_own_a_run_any_more_does_not_end_its_container(
    stage: Stage,
) -> None:
    first, second = await stage.joined_as(ONE), await stage.joined_as(OTHER)
    stage.stack = a_stack(limits=Limits(run_timeout=timedelta(seconds=1)))
    first.stack = stage.stack
    run = await first.ready(a_new_run("apply"))
    async with driven(first.perform(), run) as task:
        await performing(first)
        await SqlReplicas(stage.store.database, ONE).leave(utc_now())
        await second.record.adopt(utc_now(), tuple)

        with pytest.raises(Superseded):
            await asyncio.wait_for(task, 20)

    container = await stage.engine.find(str(run.id), "test")
    assert container is not None
    assert (await container.vitals()).running
    stage.engine.release("apply")
