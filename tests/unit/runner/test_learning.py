"""What becomes secret while a run goes on: masked, carried, and masked again."""

import asyncio
from collections.abc import Iterable
from itertools import count
from pathlib import Path

import pytest

from runner.errors import EngineUnavailable
from runner.events import Ending, Outcome
from runner.job import Job, Limits, Phase
from runner.masking.masker import Masks
from runner.masking.secrets import Secret
from runner.telling import WITHHELD
from tests.support.runs import INSTALLATION, a_job
from tests.unit.runner.bots import OWN, SHOW, SOON, STATE, Bench, Kept, a_terraform_job

UNREADABLE = (
    "The sensitive values of the state could not be read ({}), so only those that "
    "were given as secrets are masked."
)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path / "cache")


async def test_what_is_sensitive_in_the_state_is_hidden_from_the_gate_on(
    bench: Bench,
) -> None:
    bench.engine.prepare("init", b"early state-secret\n")
    bench.engine.prepare("apply", b"late state-secret\n")

    outcome = await bench.run(a_terraform_job())

    assert outcome.exit_code == 0
    assert bench.record.output == b"early state-secret\nlate *****\n"
    assert bench.record.kept == b"early *****\nlate *****\n"
    assert bench.record.remarks == []


async def test_the_state_is_read_before_the_run_is_allowed(bench: Bench) -> None:
    bench.engine.on(SHOW, STATE, block=True)
    running = asyncio.create_task(bench.run(a_terraform_job()))
    await bench.engine.reached(SHOW)

    before = bench.record.asked
    bench.engine.release(SHOW)
    await running

    assert (before, bench.record.asked) == (0, 1)


async def test_without_a_way_to_read_it_no_state_is_read(bench: Bench) -> None:
    bench.engine.prepare("apply", b"state-secret")

    await bench.run(a_job("apply"))

    assert bench.record.output == b"state-secret"
    assert bench.record.learned == ()


@pytest.mark.parametrize(
    ("printed", "code", "why"),
    [
        (b"", 1, "reading ended with exit code 1"),
        (b"no JSON", 0, "it is no state that Terraform shows: it is not JSON"),
        (b"[", 0, "it is no state that Terraform shows: it is not JSON"),
        (b" " * (17 << 20), 0, "reading took more than 20 seconds or 16 MiB"),
    ],
)
async def test_a_state_that_cannot_be_read_is_told_and_the_run_goes_on(
    bench: Bench, printed: bytes, code: int, why: str
) -> None:
    bench.engine.prepare(SHOW, printed, code=code)

    outcome = await bench.run(a_terraform_job())

    (remark,) = bench.record.remarks
    assert outcome.exit_code == 0
    assert remark.startswith("The sensitive values of the state could not be read (")
    assert why.rpartition(": ")[2] in remark


async def test_a_state_that_nobody_thought_of_is_told_and_the_run_goes_on(
    bench: Bench,
) -> None:
    def fail(environment: object) -> bytes:
        raise KeyError("state-secret")

    bench.engine.on(SHOW, fail)

    outcome = await bench.run(a_terraform_job())

    assert outcome.exit_code == 0
    assert bench.record.remarks == [UNREADABLE.format("unexpected KeyError")]


async def test_a_stop_while_the_state_is_read_ends_the_run(bench: Bench) -> None:
    bench.engine.on(SHOW, STATE, block=True)
    running = asyncio.create_task(bench.run(a_terraform_job()))
    await bench.engine.reached(SHOW)

    bench.stop.set()
    outcome = await running

    assert (outcome.ending, outcome.phase) == (Ending.STOPPED, Phase.INITIALIZING)
    assert (bench.record.asked, bench.record.remarks) == (0, [])


async def test_a_timeout_while_the_state_is_read_ends_the_run(bench: Bench) -> None:
    bench.engine.on(SHOW, STATE, block=True, deaf=True)

    outcome = await bench.run(a_terraform_job(limits=Limits(run_timeout=SOON)))

    assert outcome.ending is Ending.TIMEOUT
    assert bench.record.asked == 0


async def test_a_run_whose_state_is_read_is_not_silent(bench: Bench) -> None:
    bench.engine.on(SHOW, STATE, block=True)
    limits = Limits(silence_timeout=SOON)
    running = asyncio.create_task(bench.run(a_terraform_job(limits=limits)))
    await bench.engine.reached(SHOW)

    await asyncio.wait({running}, timeout=10 * SOON.total_seconds())
    bench.engine.release(SHOW)
    outcome = await running

    assert outcome.ending is Ending.EXITED


async def test_a_value_announced_where_a_phase_ends_needs_no_newline(
    bench: Bench,
) -> None:
    bench.engine.prepare("init", b"::add-mask::said-secret")
    bench.engine.prepare("apply", b"said-secret")

    await bench.run(a_job("apply", initializing=("init",)))

    assert bench.record.output == b"*****"


PRINTED = {
    "init": b"state-secret said-secret\n",
    "plan": b"::add-mask::said-secret\nsaid-secret hunter2hunter2\n",
    "apply": b"state-secret said-secret\n::add-mask::late-secret\nlate-secret\nend",
}
HIDDEN = b"***** *****\n***** *****\n***** *****\n*****\nend"


def a_telling_job() -> Job:
    hooks = {"initializing": ("init", "plan")}
    return a_job("apply", reading_state=SHOW, **hooks)


def test_all_that_is_told_of_that_job_is_hidden_where_nothing_fails(
    tmp_path: Path,
) -> None:
    bench = Bench(tmp_path)
    for text, output in PRINTED.items():
        bench.engine.prepare(text, output)

    asyncio.run(told(bench))

    assert bench.record.kept == HIDDEN


async def told(bench: Bench) -> Outcome:
    return await bench.run(a_telling_job())


async def test_a_bot_that_goes_away_at_any_event_loses_and_doubles_nothing(
    tmp_path: Path,
) -> None:
    for fails_at in count():
        bench = Bench(tmp_path)
        for text, output in PRINTED.items():
            bench.engine.prepare(text, output)
        bench.record = first = Kept(fails_at=fails_at)
        try:
            await told(bench)
        except OSError:
            await resumed(bench)
        else:
            break

        assert bench.record.kept == HIDDEN, f"failed at {fails_at}: {first.events}"

    assert fails_at > 10


async def resumed(bench: Bench) -> None:
    """Take it up; before it was started there is nothing to be taken up."""
    outcome = await bench.resume(a_telling_job())
    if outcome.ending is Ending.LOST:
        bench.record = Kept()
        await told(bench)


async def test_what_others_learn_while_it_runs_is_masked_after_a_restart_too(
    bench: Bench,
) -> None:
    bench.engine.on("apply", b"first\n", block=True, then=b"said-secret\n")
    running = asyncio.create_task(bench.run(a_job("apply")))
    await bench.record.printed(b"first")
    bench.masks.learn([Secret("redacted", b"said-secret")])
    bench.record.fails_at = len(bench.record.events) + bench.record.asked + 1
    bench.engine.release("apply")
    with pytest.raises(OSError, match="gone"):
        await running

    await bench.resume(a_job("apply"))

    assert bench.record.kept == b"first\n*****\n"
    assert {one.value for one in bench.record.learned} == {b"said-secret"}


async def test_a_container_carries_what_is_masked_before_it_is_started(
    bench: Bench,
) -> None:
    job = a_job("apply", secret_env={"KEY": "job-secret"})
    bench.engine.on("apply", b"here", block=True)
    running = asyncio.create_task(bench.run(job))
    await bench.record.printed(b"here")

    carried = await bench.carried()

    bench.engine.release("apply")
    await running
    assert carried == {b"job-secret", OWN.value}


async def test_a_container_that_cannot_carry_what_its_state_gave_does_not_perform(
    bench: Bench,
) -> None:
    bench.engine.prepare("apply", b"state-secret")
    bench.engine.on(SHOW, STATE, block=True)
    running = asyncio.create_task(bench.run(a_terraform_job()))
    await bench.engine.reached(SHOW)
    (await bench.container()).keep = flapping  # type: ignore[method-assign]

    bench.engine.release(SHOW)
    outcome = await running

    assert (outcome.ending, outcome.phase) == (Ending.ENGINE, Phase.INITIALIZING)
    assert "a restarted bot" in outcome.note
    assert (bench.record.asked, bench.record.output) == (0, WITHHELD)
    assert await bench.engine.left_behind(INSTALLATION) == ()


async def flapping(sealed: bytes) -> None:
    raise EngineUnavailable("it does not answer now")


class Unlearnable(Masks):
    """Masks that cannot learn what a state has."""

    def learn(self, secrets: Iterable[Secret]) -> tuple[Secret, ...]:
        new = tuple(secrets)
        if any(secret.value == b"state-secret" for secret in new):
            raise OverflowError
        return super().learn(new)


async def test_a_run_whose_state_cannot_be_masked_does_not_perform(
    bench: Bench,
) -> None:
    outcome = await bench.run(a_terraform_job(), Unlearnable([OWN]))

    assert (outcome.ending, bench.record.asked) == (Ending.ENGINE, 0)


async def test_what_dies_while_its_state_is_read_is_not_told_to_perform(
    bench: Bench,
) -> None:
    bench.engine.on(SHOW, STATE, block=True)
    running = asyncio.create_task(bench.run(a_terraform_job()))
    await bench.engine.reached(SHOW)

    await (await bench.container()).kill()
    bench.engine.release(SHOW)
    outcome = await running

    assert (outcome.exit_code, outcome.phase) == (137, Phase.INITIALIZING)
    assert bench.record.asked == 0
