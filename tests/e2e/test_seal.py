"""What a container carries is whole, whatever its command does to it."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from runner.events import Ending
from runner.execute import resume
from runner.job import Phase
from runner.masking.masker import Masks
from runner.masking.secrets import Secret
from runner.seal import about
from runner.telling import WITHHELD
from tests.support.docker import run_in
from tests.support.docker_runs import Bench, a_bench
from tests.support.runs import SEAL, Record

ANNOUNCED = "echo ::add-mask::said-secret; echo said-secret"
UNTIL_TOLD = "until [ -e /tmp/go ]; do sleep 0.05; done"


#: Puts another file where a seal that was renewed is kept.
KEPT = "mkdir -p /.handrail; echo > /.handrail/sealed"


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    async with a_bench(tmp_path) as bench:
        yield bench


@pytest.mark.parametrize(
    "spoiling",
    [
        "rm -r /.handrail",
        "rm -r /.handrail; echo > /.handrail",
        "rm -r /.handrail; ln -s /tmp /.handrail",
        "rm -r /.handrail; ln -s /nowhere/at/all /.handrail",
        "rm /.handrail/sealed; mkdir /.handrail/sealed; echo > /.handrail/sealed/x",
        "rm /.handrail/sealed; ln -s /etc/passwd /.handrail/sealed",
        "rm /.handrail/sealed; echo > /.handrail/sealed",
    ],
)
async def test_what_a_command_did_to_the_seal_is_undone_before_more_is_told(
    bench: Bench, spoiling: str
) -> None:
    job = bench.job(f"{KEPT}; {spoiling}; {ANNOUNCED}; sleep 60")
    seen = Record()
    running = asyncio.create_task(bench.execute(job, seen))
    await seen.printed(b"\n")
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    container = await bench.engine.find(job.run, bench.installation)
    assert container is not None

    sealed = SEAL.opened(await container.kept(), about(job.run, job.installation))

    assert [secret.value for secret in sealed] == [b"said-secret"]
    assert seen.output == b"*****\n"
    assert await container.remove()


async def test_a_seal_that_the_command_changed_shows_nothing_after_a_restart(
    bench: Bench,
) -> None:
    job = bench.job(f"echo one; {UNTIL_TOLD}; echo two")
    seen, after = Record(), Record()
    running = asyncio.create_task(bench.execute(job, seen))
    await seen.printed(b"one\n")
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    name = f"handrail-{job.installation}-{job.run}"
    spoiling = f"{KEPT}; : > /tmp/go"
    run_in(name, spoiling)

    outcome = await resume(
        job.run,
        job.installation,
        bench.engine,
        after,
        limits=job.limits,
        masks=Masks(),
        seal=SEAL,
        stop=asyncio.Event(),
        reached=Phase.PERFORMING,
        position=seen.position,
    )

    assert (outcome.ending, outcome.exit_code) == (Ending.EXITED, 0)
    assert after.output == WITHHELD
    assert await bench.engine.find(job.run, bench.installation) is None


async def test_a_seal_that_is_a_label_cannot_be_changed_from_within(
    bench: Bench,
) -> None:
    secret = Secret("PW", b"correct-horse-42")
    job = bench.job(
        f"echo one; {UNTIL_TOLD}; echo $PW", secret_env={"PW": "correct-horse-42"}
    )
    seen, after = Record(), Record()
    running = asyncio.create_task(bench.execute(job, seen, secret))
    await seen.printed(b"one\n")
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    name = f"handrail-{job.installation}-{job.run}"
    run_in(name, "rm -rf /.handrail; : > /tmp/go")

    await resume(
        job.run,
        job.installation,
        bench.engine,
        after,
        limits=job.limits,
        masks=Masks(),
        seal=SEAL,
        stop=asyncio.Event(),
        reached=Phase.PERFORMING,
        position=seen.position,
    )

    assert after.output == b"*****\n"


async def test_many_secrets_are_carried_though_no_label_holds_them(
    bench: Bench,
) -> None:
    secrets = [Secret(f"S{n}", f"value-{n:04}-of-many".encode()) for n in range(2_000)]
    job = bench.job("echo value-1999-of-many; sleep 60")
    seen = Record()
    running = asyncio.create_task(bench.execute(job, seen, *secrets))
    await seen.printed(b"*****\n")
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    container = await bench.engine.find(job.run, bench.installation)
    assert container is not None

    sealed = SEAL.opened(await container.kept(), about(job.run, job.installation))

    assert len(sealed) == 2_000
    assert await container.remove()
