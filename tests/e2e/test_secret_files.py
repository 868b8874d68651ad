"""Where secrets are while a run goes on, and where they are not."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import pytest

from runner.docker.address import connect
from runner.errors import EngineUnavailable
from runner.events import Ending, Outcome
from runner.execute import resume
from runner.job import Job, Phase, WorkspaceFile
from runner.masking.masker import Masks
from tests.support.docker import (
    containers_of,
    engine_address,
    image_of_user,
    inspected,
    on_the_host,
    run_in,
    volumes_of,
)
from tests.support.docker_runs import Bench, a_bench
from tests.support.runs import SEAL, Record

#: Prints, and ends once it is released by `run_in(…, ": > /tmp/go")`.
WAITING = "echo waits; until [ -e /tmp/go ]; do sleep 0.05; done"

#: Processes come and go while this runs.
ARGUMENTS = "cat /proc/[0-9]*/cmdline 2>/dev/null; true"


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    async with a_bench(tmp_path) as bench:
        yield bench


@pytest.fixture
def canary() -> str:
    return f"canary-{uuid4().hex}"


def name_of(job: Job) -> str:
    return f"handrail-{job.installation}-{job.run}"


def on_the_engines_disk(text: str) -> list[str]:
    """Return the files of the engine, on its disk, that have *text* in them.

    *text* is given in two parts, or the search would find its own command.
    """
    start, end = text[:9], text[9:]
    search = f"find /engine -xdev -type f -exec grep -lF '{start}''{end}' {{}} +"
    return on_the_host(f"{search}; true").splitlines()


async def started(bench: Bench, job: Job) -> "asyncio.Task[Outcome]":
    """Return *job* under way, once its command, which is WAITING, waits."""
    seen = Record()
    running = asyncio.create_task(bench.execute(job, seen))
    await seen.printed(b"waits")
    return running


async def called_off(running: "asyncio.Task[Outcome]") -> None:
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running


async def taken_up(bench: Bench, job: Job) -> tuple[Record, Outcome]:
    """Return what a bot that comes back tells of *job*."""
    record = Record()
    outcome = await resume(
        job.run,
        job.installation,
        bench.engine,
        record,
        limits=job.limits,
        masks=Masks(),
        seal=SEAL,
        stop=asyncio.Event(),
        reached=Phase.PREPARING,
        position=0,
    )
    return record, outcome


@pytest.mark.parametrize("volume", [None, "kept"])
async def test_secret_files_are_on_no_disk_while_a_run_goes_on_and_after(
    bench: Bench, canary: str, volume: str | None
) -> None:
    known = f"known-to-all-{uuid4().hex}"
    files = (
        WorkspaceFile(path="keys/token", content=canary.encode()),
        WorkspaceFile(path="/mnt/secrets/oidc", content=canary.encode()),
        WorkspaceFile(path="known", content=known.encode(), secret=False),
    )
    job = bench.job(
        f"cat keys/token >/dev/null && {WAITING}", files=files, volume=volume
    )
    running = await started(bench, job)

    meanwhile = await asyncio.to_thread(on_the_engines_disk, canary)
    found = await asyncio.to_thread(on_the_engines_disk, known)
    run_in(name_of(job), ": > /tmp/go")
    outcome = await running
    afterwards = await asyncio.to_thread(on_the_engines_disk, canary)

    assert outcome.exit_code == 0
    assert found != []  # or the search would not find anything
    assert (meanwhile, afterwards) == ([], [])


async def test_secret_files_are_linked_from_where_they_belong(bench: Bench) -> None:
    files = (
        WorkspaceFile(path="keys/token", content=b"hunter2hunter2"),
        WorkspaceFile(path="/mnt/secrets/oidc/token", content=b"signed-signed"),
    )
    shown = "wc -c < keys/token; wc -c < /mnt/secrets/oidc/token; readlink keys/token"

    await bench.run(f"{shown}; stat -L -c '%a %u' keys/token; ls", files=files)

    assert bench.record.output.decode().split("\n") == [
        *("14", "13", "/mnt/secrets/source/keys/token", "400 0", "keys", "")
    ]


@pytest.mark.parametrize("user", ["1042", "ann:root"])
async def test_secret_files_belong_to_the_user_of_the_image(
    bench: Bench, user: str
) -> None:
    token = WorkspaceFile(path="keys/token", content=b"hunter2hunter2")
    command = "stat -L -c %u keys/token; wc -c < keys/token"

    await bench.run(command, image=image_of_user(user), files=(token,))

    assert bench.record.output == b"1042\n14\n"


async def test_the_session_that_is_left_at_the_gate_is_in_memory(bench: Bench) -> None:
    shown = "grep ' /run/handrail ' /proc/self/mountinfo; stat -c %a /run/handrail"

    await bench.run(f"{shown} 2>&1", reading_state="true")

    mount, mode = bench.record.output.decode().splitlines()
    assert " - tmpfs " in mount
    assert {"nosuid", "nodev", "noexec"} <= set(mount.split()[5].split(","))
    assert mode == "1777"


async def test_where_no_state_is_read_there_is_no_place_for_a_session(
    bench: Bench,
) -> None:
    outcome = await bench.run("ls /run/handrail 2>/dev/null")

    assert outcome.exit_code != 0


@pytest.mark.parametrize(
    "command",
    [
        "echo x > token",
        "echo x >> /mnt/secrets/source/token",
        "echo x > /mnt/secrets/new",
        "chmod 644 token",
        "chmod 777 /mnt/secrets",
        "mv /mnt/secrets/source/token /mnt/secrets/moved",
        "rm -f /mnt/secrets/source/token",
        "ln -s /etc/passwd /mnt/secrets/link",
        "mkdir /mnt/secrets/folder",
        "touch token",
    ],
)
async def test_secret_files_cannot_be_changed(bench: Bench, command: str) -> None:
    token = WorkspaceFile(path="token", content=b"hunter2hunter2", mode=0o600)

    outcome = await bench.run(f"{command} 2>&1", files=(token,))

    assert outcome.exit_code != 0
    assert b"Read-only file system" in bench.record.output


async def test_large_files_and_many_arrive_whole(bench: Bench) -> None:
    large = b"0123456789abcdef" * (4 << 16)
    files = (
        WorkspaceFile(path="large", content=large),
        *(WorkspaceFile(path=f"many/{n}", content=b"%d" % n) for n in range(500)),
    )

    await bench.run("sha256sum < large; ls many | wc -l", files=files)

    digest = hashlib.sha256(large).hexdigest()
    assert bench.record.output.decode().split() == [digest, "-", "500"]


async def test_a_run_without_secret_files_has_no_place_for_them(bench: Bench) -> None:
    known = WorkspaceFile(path="known", content=b"known to all", secret=False)
    job = bench.job(f"ls /mnt; {WAITING}", files=(known,))
    running = await started(bench, job)

    places = volumes_of(bench.installation)
    run_in(name_of(job), ": > /tmp/go")
    await running

    assert places == []
    assert bench.record.output == b"handrail\nworkspace\nwaits\n"


async def test_a_kept_workspace_loses_the_link_with_the_file(bench: Bench) -> None:
    token = WorkspaceFile(path="token", content=b"hunter2hunter2")
    await bench.run("true", files=(token,), volume="net")

    await bench.run("ls -A", volume="net")

    assert bench.record.output == b""


async def test_secrets_are_in_no_label_and_in_no_argument(
    bench: Bench, canary: str
) -> None:
    token = WorkspaceFile(path="token", content=f"file-{canary}".encode())
    job = bench.job(WAITING, secret_env={"TOKEN": f"env-{canary}"}, files=(token,))
    running = await started(bench, job)

    shown = inspected(name_of(job))
    arguments = await asyncio.to_thread(on_the_host, ARGUMENTS)
    run_in(name_of(job), ": > /tmp/go")
    await running

    assert "until [ -e /tmp/go ]" in shown
    assert "until [ -e /tmp/go ]" in arguments
    assert canary not in shown
    assert canary not in arguments


async def test_nothing_is_left_of_the_place_of_secret_files(bench: Bench) -> None:
    token = WorkspaceFile(path="token", content=b"hunter2hunter2")

    outcome = await bench.run("true", files=(token,))

    assert outcome.exit_code == 0
    assert volumes_of(bench.installation) == []
    assert containers_of(bench.installation) == []


async def test_nothing_is_left_of_a_container_that_could_not_be_made(
    bench: Bench, tmp_path: Path
) -> None:
    token = WorkspaceFile(path="token", content=b"hunter2hunter2")
    job = bench.job("true", files=(token,))
    digest = await bench.engine.resolve(job.image)

    with pytest.raises(EngineUnavailable):
        await bench.engine.create(job, digest, tmp_path / "no-such.tar")

    assert volumes_of(bench.installation) == []
    assert containers_of(bench.installation) == []


async def test_nothing_is_left_of_files_that_could_not_be_brought(
    bench: Bench,
) -> None:
    token = WorkspaceFile(path="token", content=b"hunter2hunter2")
    job = bench.job("echo never", files=(token,))
    client = connect(engine_address())
    try:
        # Another has the name of what would bring them.
        client.containers.create(job.image, name=f"{name_of(job)}-files")
    finally:
        client.close()

    outcome = await bench.execute(job)

    assert (outcome.ending, outcome.container_gone) == (Ending.ENGINE, True)
    assert "already in use" in outcome.note
    assert bench.record.output == b""
    assert volumes_of(bench.installation) == []
    assert await bench.engine.find(job.run, bench.installation) is None


async def test_a_container_whose_files_never_came_was_never_started(
    bench: Bench, tmp_path: Path
) -> None:
    token = WorkspaceFile(path="token", content=b"hunter2hunter2")
    job = bench.job("echo never", files=(token,))
    archive = tmp_path / "empty.tar"
    archive.write_bytes(b"\0" * 10240)
    digest = await bench.engine.resolve(job.image)
    container = await bench.engine.create(job, digest, archive)
    client = connect(engine_address())
    try:
        client.api.start(container.id)  # and here the bot dies
    finally:
        client.close()

    record, outcome = await taken_up(bench, job)

    assert (outcome.ending, outcome.container_gone) == (Ending.LOST, True)
    assert "never started" in outcome.note
    assert record.output == b""
    assert volumes_of(bench.installation) == []


async def test_a_container_that_has_its_files_is_taken_up(bench: Bench) -> None:
    token = WorkspaceFile(path="token", content=b"hunter2hunter2")
    job = bench.job(f"{WAITING}; cat token", files=(token,))
    await called_off(await started(bench, job))

    run_in(name_of(job), ": > /tmp/go")
    record, outcome = await taken_up(bench, job)

    assert outcome.exit_code == 0
    assert record.output == b"waits\n*****"
    assert volumes_of(bench.installation) == []


async def test_what_a_removed_container_left_of_its_files_is_found(
    bench: Bench,
) -> None:
    token = WorkspaceFile(path="token", content=b"hunter2hunter2")
    job = bench.job(WAITING, files=(token,))
    await called_off(await started(bench, job))
    client = connect(engine_address())
    try:
        client.api.remove_container(name_of(job), v=True, force=True)
    finally:
        client.close()
    left = volumes_of(bench.installation)

    _, outcome = await taken_up(bench, job)

    assert len(left) == 1
    assert outcome.ending is Ending.LOST
    assert volumes_of(bench.installation) == []
