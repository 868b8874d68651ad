"""A workspace that two containers have, one after the other, on the real engine."""

from collections.abc import AsyncIterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from runner.docker.address import connect
from runner.events import Ending
from runner.job import DirectorySource, GitSource, Job, WorkspaceFile, workspace_of
from tests.support.docker import engine_address, image_of_user, volumes_of
from tests.support.docker_runs import Bench, a_bench

NOWHERE = GitSource(url="file:///nowhere/at/all", ref="main")
PLANNING = "echo planned >/mnt/workspace/handrail.plan; echo more >made; cat key"


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    async with a_bench(tmp_path) as bench:
        yield bench
        for run in await bench.engine.left_workspaces(bench.installation):
            assert await bench.engine.forget_workspace(run, bench.installation)


@pytest.fixture
def source(tmp_path: Path) -> DirectorySource:
    (tmp_path / "code" / "net").mkdir(parents=True)
    (tmp_path / "code" / "net" / "main.tf").write_text("from the source\n")
    (tmp_path / "code" / "link").symlink_to("net")
    return DirectorySource(directory=tmp_path / "code")


def a_secret(path: str, content: bytes) -> WorkspaceFile:
    return WorkspaceFile(path=path, content=content)


def a_planning(bench: Bench, source: DirectorySource, **changes: Any) -> Job:
    job = {
        "run": "run-1",
        "source": source,
        "volume": workspace_of("run-1"),
        "results": ("handrail.plan",),
        "files": (a_secret("key", b"s3cret-one"),),
    }
    return bench.job(PLANNING, **(job | changes))


def an_applying(bench: Bench, command: str, **changes: Any) -> Job:
    job = {
        "run": "run-1",
        "source": NOWHERE,
        "volume": workspace_of("run-1"),
        "is_laid": True,
        "expected": {"handrail.plan": sha256(b"planned\n").hexdigest()},
        "files": (a_secret("key", b"s3cret-two"),),
    }
    return bench.job(command, **(job | changes))


@pytest.mark.parametrize("user", ["", "ann", "1042:7"])
async def test_the_next_container_finds_all_that_the_first_had_and_made(
    bench: Bench, source: DirectorySource, user: str
) -> None:
    image = {"image": image_of_user(user)} if user else {}
    await bench.execute(a_planning(bench, source, **image))
    command = "cat net/main.tf link/main.tf made; test -O made && echo mine >>made"

    outcome = await bench.execute(an_applying(bench, command, **image))

    assert bench.record.output == b"from the source\n" * 2 + b"more\n"
    assert outcome.exit_code == 0


async def test_secret_files_are_those_of_this_moment_and_of_no_other(
    bench: Bench, source: DirectorySource
) -> None:
    await bench.execute(a_planning(bench, source))

    await bench.execute(
        an_applying(bench, "sha256sum <key; cat /mnt/secrets/*/* | sha256sum")
    )

    digest = sha256(b"s3cret-two").hexdigest()
    assert bench.record.output.decode().split() == [digest, "-", digest, "-"]


async def test_files_that_are_new_are_put_beside_what_is_there(
    bench: Bench, source: DirectorySource
) -> None:
    await bench.execute(a_planning(bench, source, project_root="net"))
    files = (
        a_secret("key", b"s3cret-two"),
        a_secret("new/key", b"s3cret-new"),
        WorkspaceFile(path="plain", content=b"plain\n", secret=False),
    )
    command = "sha256sum <new/key; cat plain main.tf made"

    await bench.execute(an_applying(bench, command, files=files, project_root="net"))

    digest = sha256(b"s3cret-new").hexdigest()
    told = f"{digest}  -\nplain\nfrom the source\nmore\n"
    assert bench.record.output.decode() == told


async def test_what_the_first_container_changed_stays_changed(
    bench: Bench, source: DirectorySource
) -> None:
    plain = WorkspaceFile(path="plain", content=b"given\n", mode=0o644, secret=False)
    files = (a_secret("key", b"s3cret-one"), plain)
    changing = ("echo changed >plain; echo changed >net/main.tf",)
    job = a_planning(bench, source, files=files, before_perform=changing)
    await bench.execute(job)

    await bench.execute(an_applying(bench, "cat plain net/main.tf", files=files))

    assert bench.record.output == b"changed\n" * 2


async def test_a_volume_that_is_gone_is_not_made_anew(
    bench: Bench, source: DirectorySource
) -> None:
    await bench.execute(a_planning(bench, source))
    await bench.engine.forget_workspace("run-1", bench.installation)

    await bench.execute(an_applying(bench, "echo ran"))

    client = connect(engine_address())
    try:
        names = [str(volume.name) for volume in client.volumes.list()]
    finally:
        client.close()
    assert [name for name in names if bench.installation in name] == []


async def test_an_empty_volume_of_that_name_is_no_workspace(
    bench: Bench, source: DirectorySource
) -> None:
    await bench.execute(a_planning(bench, source))
    name = f"handrail-{bench.installation}-{workspace_of('run-1')}"
    client = connect(engine_address())
    try:
        client.volumes.get(name).remove()
        labels = {"handrail.installation": bench.installation}
        client.volumes.create(name, labels=labels)
    finally:
        client.close()

    outcome = await bench.execute(an_applying(bench, "echo ran", expected={}))

    assert outcome.ending is Ending.SOURCE
    assert "gone from the engine's host" in outcome.note
    assert bench.record.output == b""


async def test_nothing_of_an_ended_run_is_left_on_the_engine(
    bench: Bench, source: DirectorySource
) -> None:
    await bench.execute(a_planning(bench, source))
    await bench.execute(an_applying(bench, "true"))
    before = volumes_of(bench.installation)

    await bench.engine.forget_workspace("run-1", bench.installation)

    assert len(before) == 1
    assert volumes_of(bench.installation) == []


async def test_a_result_may_be_a_link_a_directory_or_nothing(
    bench: Bench, source: DirectorySource
) -> None:
    command = (
        "cd /mnt/workspace; echo far >far; ln -s far near; mkdir folder; "
        "ln -s /nowhere broken; mkfifo pipe; ln -s /dev/zero endless"
    )
    job = bench.job(
        command,
        volume=workspace_of("run-1"),
        run="run-1",
        results=("near", "folder", "broken", "pipe", "endless", "far/below"),
    )

    outcome = await bench.execute(job)

    assert outcome.results == {"near": b"far\n"}
