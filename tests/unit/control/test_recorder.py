"""Store first: what a job tells is kept, gathered, and never lost."""

import asyncio

from bot.control.recorder import Recorder
from bot.domain.run import Run, RunState
from bot.domain.telling import Said
from runner.events import (
    ContainerCreated,
    ImageResolved,
    Outcome,
    Output,
    PhaseStarted,
    Remark,
    SecretsLearned,
    SourceFetched,
)
from runner.job import Phase
from runner.masking.masker import Masker, Masks
from runner.masking.secrets import Secret
from tests.support.builders import an_actor, later
from tests.unit.control.stand_ins import Stage, utc_now

LIMIT = 1 << 20


def a_recorder(
    stage: Stage,
    run: Run,
    stop: asyncio.Event | None = None,
    masks: Masks | None = None,
) -> Recorder:
    return Recorder(
        run,
        stage.record,
        utc_now,
        stop or asyncio.Event(),
        conclude=_not_concluded,
        masks=masks or Masks(),
        limit=LIMIT,
    )


async def _not_concluded(outcome: Outcome) -> None:
    raise AssertionError(f"not concluded here: {outcome}")


def printed(data: bytes) -> Output:
    return Output(data=data, position=len(data))


async def sentences(stage: Stage) -> list[str]:
    return [told.text for told in await stage.store.told() if isinstance(told, Said)]


async def kept(stage: Stage, run: Run) -> bytes:
    return b"".join([piece async for piece in stage.store.archive.output(run.id)])


async def test_output_is_gathered_and_kept_in_order(stage: Stage) -> None:
    run = await stage.preparing()
    async with a_recorder(stage, run) as recorder:
        for number in range(100):
            await recorder.tell(printed(b"%d\n" % number))
        before = await kept(stage, run)

        await recorder.flush()

    assert before == b""
    assert await kept(stage, run) == b"".join(b"%d\n" % n for n in range(100))


async def test_gathered_output_is_kept_soon_without_being_asked(stage: Stage) -> None:
    run = await stage.preparing()
    async with a_recorder(stage, run) as recorder:
        await recorder.tell(printed(b"hello"))

        async with asyncio.timeout(5):
            await stage.record.stored.wait()

    assert await kept(stage, run) == b"hello"


async def test_what_comes_while_the_store_is_waited_for_is_kept_soon_as_well(
    stage: Stage,
) -> None:
    run = await stage.preparing()
    async with a_recorder(stage, run) as recorder:
        stage.record.away["append_output"] = 1
        await recorder.tell(printed(b"one "))
        await stage.record.missed.wait()

        await recorder.tell(printed(b"two"))

        async with asyncio.timeout(5):
            while await kept(stage, run) != b"one two":
                await stage.record.stored.wait()
                stage.record.stored.clear()


async def test_whoever_prints_fast_waits_for_the_store(stage: Stage) -> None:
    run = await stage.preparing()
    async with a_recorder(stage, run) as recorder:
        for _ in range(10):
            await recorder.tell(printed(b"x" * 100_000))

        # At most the last quarter of a megabyte is still only in memory.
        assert await stage.store.archive.output_size(run.id) >= 1_000_000 - (256 << 10)


async def test_a_store_that_is_away_is_waited_for_and_nothing_is_lost(
    stage: Stage,
) -> None:
    run = await stage.preparing()
    async with a_recorder(stage, run) as recorder:
        stage.record.away["append_output"] = 2
        await recorder.tell(printed(b"one "))
        flushing = asyncio.create_task(recorder.flush())
        await recorder.tell(printed(b"two"))
        await flushing
        await recorder.flush()

    assert await kept(stage, run) == b"one two"


async def test_the_limit_is_told_once_and_the_run_goes_on(stage: Stage) -> None:
    run = await stage.preparing()
    piece = printed(b"x" * (LIMIT // 4))
    async with a_recorder(stage, run) as recorder:
        for _ in range(8):
            await recorder.tell(piece)
        await recorder.flush()

    assert await stage.store.archive.output_size(run.id) == LIMIT
    assert await sentences(stage) == [
        "The output passed 1 MB. What follows is not kept; the run goes on."
    ]


async def test_the_limit_is_told_though_the_store_goes_away_just_then(
    stage: Stage,
) -> None:
    run = await stage.preparing()
    stage.record.away["tell"] = 1
    async with a_recorder(stage, run) as recorder:
        await recorder.tell(printed(b"x" * (LIMIT + 1)))

    assert len(await sentences(stage)) == 1


async def test_what_becomes_known_is_recorded(stage: Stage) -> None:
    run = await stage.preparing()
    async with a_recorder(stage, run) as recorder:
        await recorder.tell(SourceFetched(commit="abc"))
        await recorder.tell(ImageResolved(digest="sha256:1"))
        await recorder.tell(ContainerCreated(container="c1"))

    now = await stage.store.archive.run(run.id)
    assert (now.commit, now.image_digest, now.container) == ("abc", "sha256:1", "c1")


async def test_the_record_performs_before_the_command_does(stage: Stage) -> None:
    run = await stage.preparing()
    async with a_recorder(stage, run) as recorder:
        await recorder.tell(PhaseStarted(phase=Phase.INITIALIZING))
        await recorder.tell(printed(b"initialized\n"))

        assert await recorder.may_perform()

    assert (await stage.store.archive.run(run.id)).state is RunState.PERFORMING
    assert await kept(stage, run) == b"initialized\n"


async def test_a_wish_to_stop_closes_the_gate(stage: Stage) -> None:
    run = await stage.preparing()
    async with a_recorder(stage, run) as recorder:
        await recorder.tell(PhaseStarted(phase=Phase.INITIALIZING))
        await stage.record.ask_stop(run.id, an_actor("bob"), later(3))

        assert not await recorder.may_perform()

    assert (await stage.store.archive.run(run.id)).state is RunState.INITIALIZING


async def test_a_wish_to_stop_before_initializing_is_passed_on(stage: Stage) -> None:
    run, stop = await stage.preparing(), asyncio.Event()
    await stage.record.ask_stop(run.id, an_actor("bob"), later(3))

    async with a_recorder(stage, run, stop) as recorder:
        await recorder.tell(PhaseStarted(phase=Phase.INITIALIZING))

    assert stop.is_set()


NEW = Secret("NEW", b"brand-new-value")


async def test_what_is_learned_is_hidden_in_what_was_told_before(
    stage: Stage,
) -> None:
    run = await stage.preparing()
    masks = Masks()
    async with a_recorder(stage, run, masks=masks) as recorder:
        await recorder.tell(printed(b"a brand-new-value, "))
        await recorder.flush()
        await recorder.tell(printed(b"a brand-new-value, "))
        masks.learn((NEW,))

        await recorder.tell(SecretsLearned(secrets=(NEW,)))

    assert await kept(stage, run) == b"a *****, a *****, "


async def test_what_was_cut_in_two_when_it_was_learned_is_hidden_at_the_end(
    stage: Stage,
) -> None:
    run = await stage.preparing()
    masks = Masks()
    async with a_recorder(stage, run, masks=masks) as recorder:
        await recorder.tell(printed(b"a brand-"))
        masks.learn((NEW,))
        await recorder.tell(SecretsLearned(secrets=(NEW,)))
        await recorder.tell(printed(b"new-value"))

        await recorder.settle()

    assert await kept(stage, run) == b"a *****"


async def test_a_run_that_learned_nothing_is_not_searched_again(stage: Stage) -> None:
    run = await stage.preparing()
    stage.record.away["redact"] = 1
    async with a_recorder(stage, run, masks=Masks((NEW,))) as recorder:
        await recorder.tell(printed(b"nothing"))

        await recorder.settle()

    assert stage.record.away["redact"] == 1


async def test_a_remark_is_told_in_the_thread(stage: Stage) -> None:
    run = await stage.preparing()
    async with a_recorder(stage, run) as recorder:
        await recorder.tell(Remark(text="Output is withheld."))

    assert await sentences(stage) == ["Output is withheld."]


async def test_masks_that_fail_do_not_end_the_following(stage: Stage) -> None:
    class Broken(Masks):
        def stream(self, *, shown: int = 0) -> Masker:
            raise MemoryError(shown)

    run = await stage.preparing()
    async with a_recorder(stage, run, masks=Broken()) as recorder:
        await recorder.tell(printed(b"told before"))
        await recorder.tell(SecretsLearned(secrets=(NEW,)))

    assert "could not be taken out" in (await sentences(stage))[0]
