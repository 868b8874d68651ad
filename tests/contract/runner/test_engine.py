import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from runner.errors import ContainerLost, SealBroken
from runner.events import Ending, Outcome
from runner.job import Limits, Phase
from tests.contract.runner.rigs import BUSY, WAITING, Rig, ScriptedRig
from tests.contract.runner.runs import again, called_off, job_for, run
from tests.support.runs import Record, a_job


@pytest.fixture
def record() -> Record:
    return Record()


@pytest.fixture
def stop() -> asyncio.Event:
    return asyncio.Event()


async def test_phases_come_in_order(
    rig: Rig, record: Record, stop: asyncio.Event
) -> None:
    job = job_for(rig, "echo done", initializing=("echo init",))

    outcome = await run(rig, record, job, stop)

    assert record.phases == [Phase.INITIALIZING]
    assert record.asked == 1
    assert record.output == b"init\ndone\n"
    assert outcome == Outcome(ending=Ending.EXITED, phase=Phase.PERFORMING, exit_code=0)


async def test_the_exit_code_is_that_of_the_command(
    rig: Rig, record: Record, stop: asyncio.Event
) -> None:
    job = job_for(rig, "echo one; exit 7", after_perform=("echo done",))

    outcome = await run(rig, record, job, stop)

    assert outcome.exit_code == 7
    assert record.output == b"one\n"


async def test_a_failed_init_ends_the_run_before_the_command(
    rig: Rig, record: Record, stop: asyncio.Event
) -> None:
    job = job_for(rig, "echo done", initializing=("echo one; exit 7", "echo init"))

    outcome = await run(rig, record, job, stop)

    assert (outcome.phase, outcome.exit_code) == (Phase.INITIALIZING, 7)
    assert record.output == b"one\n"
    assert record.asked == 0


async def test_a_failed_hook_ends_the_run_before_the_command(
    rig: Rig, record: Record, stop: asyncio.Event
) -> None:
    job = job_for(rig, "echo done", before_perform=("echo one; exit 7",))

    outcome = await run(rig, record, job, stop)

    assert (outcome.phase, outcome.exit_code) == (Phase.PERFORMING, 7)
    assert record.output == b"one\n"


async def test_hooks_around_the_command_come_in_order(
    rig: Rig, record: Record, stop: asyncio.Event
) -> None:
    job = job_for(
        rig,
        "echo done",
        before_perform=("echo init",),
        after_perform=("echo done",),
        after_run=('echo "$HANDRAIL_FINAL_STATE"',),
    )

    await run(rig, record, job, stop)

    assert record.output == b"init\ndone\ndone\nfinished\n"


async def test_hooks_of_the_end_learn_that_the_run_failed(
    rig: Rig, record: Record, stop: asyncio.Event
) -> None:
    hook = 'echo "$HANDRAIL_FINAL_STATE"'
    job = job_for(rig, "echo one; exit 7", after_run=(hook,))

    outcome = await run(rig, record, job, stop)

    assert record.output == b"one\nfailed\n"
    assert outcome.exit_code == 7


async def test_the_environment_reaches_the_command_masked_where_secret(
    rig: Rig, record: Record, stop: asyncio.Event
) -> None:
    command = 'echo "$GREETING"'
    job = job_for(rig, command, secret_env={"GREETING": "hunter2hunter2"})

    await run(rig, record, job, stop)

    assert record.output == b"*****\n"


async def test_nothing_of_the_command_runs_before_it_is_allowed(
    rig: Rig, stop: asyncio.Event
) -> None:
    allowed = asyncio.Event()

    class Slow(Record):
        async def may_perform(self) -> bool:
            await super().may_perform()
            await allowed.wait()
            return True

    record = Slow()
    running = asyncio.create_task(run(rig, record, job_for(rig, "echo done"), stop))
    await record.was_asked()
    before = record.output

    allowed.set()
    await running

    assert before == b""
    assert record.output == b"done\n"


async def test_a_run_that_is_not_allowed_stops_at_the_gate(
    rig: Rig, stop: asyncio.Event
) -> None:
    record = Record(allowed=False)
    job = job_for(rig, "echo done", after_run=('echo "$HANDRAIL_FINAL_STATE"',))

    outcome = await run(rig, record, job, stop)

    assert outcome.ending is Ending.STOPPED
    assert record.output == b"stopped\n"


async def test_a_stop_while_initializing_interrupts_it(
    rig: Rig, record: Record, stop: asyncio.Event
) -> None:
    job = job_for(rig, "echo done", initializing=(BUSY,))
    running = asyncio.create_task(run(rig, record, job, stop))
    await record.printed(b"busy")

    stop.set()
    outcome = await running

    assert (outcome.ending, outcome.exit_code) == (Ending.STOPPED, 130)
    assert outcome.phase is Phase.INITIALIZING
    assert record.asked == 0


async def test_a_timeout_interrupts_what_performs(
    rig: Rig, record: Record, stop: asyncio.Event
) -> None:
    limits = Limits(run_timeout=timedelta(seconds=2))
    job = job_for(rig, BUSY, limits=limits)

    outcome = await run(rig, record, job, stop)

    assert (outcome.ending, outcome.exit_code) == (Ending.TIMEOUT, 130)
    assert record.output == b"busy\n"


async def test_silence_interrupts_what_performs(
    rig: Rig, record: Record, stop: asyncio.Event
) -> None:
    limits = Limits(silence_timeout=timedelta(seconds=2))
    job = job_for(rig, BUSY, limits=limits)

    outcome = await run(rig, record, job, stop)

    assert outcome.ending is Ending.SILENCE


async def test_a_run_goes_on_while_its_bot_is_away(
    rig: Rig, stop: asyncio.Event
) -> None:
    seen, record = Record(), Record()
    job = job_for(rig, WAITING, initializing=("echo init",))
    running = asyncio.create_task(run(rig, seen, job, stop))
    await seen.printed(b"first")
    await called_off(running)

    await rig.release(job.run)
    outcome = await again(rig, record, job, seen)

    assert seen.output + record.output == b"init\nfirst\nsecond\n"
    assert (outcome.ending, outcome.exit_code) == (Ending.EXITED, 0)
    assert (record.phases, record.asked) == ([], 0)


async def test_a_bot_that_comes_back_opens_the_gate_it_had_allowed(
    rig: Rig, stop: asyncio.Event
) -> None:
    class Crashing(Record):
        async def may_perform(self) -> bool:
            await super().may_perform()
            await asyncio.Event().wait()
            return True

    seen, record = Crashing(), Record()
    job = job_for(rig, "echo done")
    running = asyncio.create_task(run(rig, seen, job, stop))
    await seen.was_asked()
    await called_off(running)

    outcome = await again(rig, record, job, seen)

    assert outcome.exit_code == 0
    assert record.output == b"done\n"
    assert record.asked == 0


async def test_a_bot_that_comes_back_asks_what_was_never_answered(
    rig: Rig, stop: asyncio.Event
) -> None:
    class Failing(Record):
        async def may_perform(self) -> bool:
            raise OSError("disk full")

    seen, record = Failing(), Record()
    job = job_for(rig, "echo done", initializing=("echo init",))
    with pytest.raises(OSError, match="disk full"):
        await run(rig, seen, job, stop)

    outcome = await again(rig, record, job, seen)

    assert outcome.exit_code == 0
    assert (record.output, record.asked) == (b"done\n", 1)


async def test_a_bot_that_comes_back_masks_what_the_container_was_given(
    rig: Rig, stop: asyncio.Event
) -> None:
    class Failing(Record):
        async def may_perform(self) -> bool:
            raise OSError("disk full")

    seen, record = Failing(), Record()
    job = job_for(rig, 'echo "$GREETING"', secret_env={"GREETING": "hunter2hunter2"})
    with pytest.raises(OSError, match="disk full"):
        await run(rig, seen, job, stop)

    await again(rig, record, job, seen)

    assert record.output == b"*****\n"


async def test_a_container_carries_what_it_was_given_to_keep_whatever_its_state(
    rig: Rig, tmp_path: Path
) -> None:
    archive = tmp_path / "empty.tar"
    archive.write_bytes(b"\0" * 10240)
    job = job_for(rig, WAITING)
    digest = await rig.engine.resolve(rig.image)
    container = await rig.engine.create(job, digest, archive)
    with pytest.raises(SealBroken):
        await container.kept()

    await container.keep(b"created")
    created = await container.kept()
    await container.start()
    await container.keep(b"running" * 100_000)
    running = await container.kept()
    await container.kill()
    await container.exit()
    await container.keep(b"ended")
    found = await rig.engine.find(job.run, rig.installation)
    assert found is not None
    ended = await found.kept()

    assert (created, running, ended) == (b"created", b"running" * 100_000, b"ended")
    assert await container.remove()
    with pytest.raises(ContainerLost):
        await container.keep(b"removed")


async def test_a_run_is_never_created_twice(
    rig: Rig, record: Record, stop: asyncio.Event
) -> None:
    job = job_for(rig, WAITING)
    running = asyncio.create_task(run(rig, record, job, stop))
    await record.printed(b"first")

    second = await run(rig, Record(), job, stop)
    await rig.release(job.run)
    first = await running

    assert (second.ending, second.container_gone) == (Ending.ENGINE, False)
    assert "already exists" in second.note
    assert first.exit_code == 0


async def test_what_was_left_behind_is_found_by_its_installation(
    rig: Rig, record: Record, stop: asyncio.Event
) -> None:
    job = job_for(rig, WAITING)
    running = asyncio.create_task(run(rig, record, job, stop))
    await record.printed(b"first")
    await called_off(running)

    found = await rig.engine.find(job.run, rig.installation)

    assert await rig.engine.left_behind(rig.installation) == (job.run,)
    assert await rig.engine.left_behind("another") == ()
    assert found is not None
    assert await found.remove()
    assert await rig.engine.left_behind(rig.installation) == ()
    assert await rig.engine.find(job.run, rig.installation) is None


async def test_removing_and_killing_again_is_harmless(
    rig: Rig, record: Record, stop: asyncio.Event
) -> None:
    job = job_for(rig, WAITING)
    running = asyncio.create_task(run(rig, record, job, stop))
    await record.printed(b"first")
    await called_off(running)
    found = await rig.engine.find(job.run, rig.installation)
    assert found is not None

    await found.kill()
    await found.kill()

    assert (await found.exit()).code == 137
    assert await found.remove()
    assert await found.remove()


async def test_vitals_tell_the_created_from_the_ended_and_the_removed(
    rig: Rig, tmp_path: Path
) -> None:
    archive = tmp_path / "empty.tar"
    archive.write_bytes(b"\0" * 10240)
    job = job_for(rig, "echo done", initializing=("echo one; exit 7",))
    digest = await rig.engine.resolve(rig.image)
    container = await rig.engine.create(job, digest, archive)

    created = await container.vitals()
    await container.start()
    await container.exit()
    ended = await container.vitals()
    later = await container.vitals()
    await container.remove()
    with pytest.raises(ContainerLost):
        await container.vitals()

    assert (created.started, created.running) == (False, False)
    assert (ended.started, ended.running) == (True, False)
    assert later.age == ended.age
    assert timedelta(0) <= ended.age < timedelta(minutes=1)


async def test_a_container_that_somebody_removed_is_lost(
    rig: Rig, record: Record, stop: asyncio.Event
) -> None:
    job = job_for(rig, "echo done")
    job_seen = Record()

    outcome = await again(rig, record, job, job_seen)

    assert outcome == Outcome(
        ending=Ending.LOST,
        phase=Phase.PREPARING,
        note="its container is gone",
    )


async def test_an_image_that_is_not_to_be_had_is_named(
    rig: Rig, record: Record, stop: asyncio.Event
) -> None:
    missing = "registry.invalid/handrail/nothing:1"
    if isinstance(rig, ScriptedRig):
        rig.engine.missing_images.add(missing)
    job = a_job("true", image=missing, installation=rig.installation)

    outcome = await run(rig, record, job, stop)

    assert outcome.ending is Ending.IMAGE
    assert missing in outcome.note


async def test_an_engine_tells_its_version(rig: Rig) -> None:
    assert await rig.engine.ping()


async def test_an_engine_has_one_name_for_itself(rig: Rig) -> None:
    first = await rig.engine.identity()

    assert first
    assert await rig.engine.identity() == first
