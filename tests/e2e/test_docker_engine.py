import asyncio
import hashlib
import re
import subprocess
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from runner.events import Ending, SourceFetched
from runner.execute import resume
from runner.job import DirectorySource, GitSource, Limits, Phase, WorkspaceFile
from runner.masking.masker import Masks
from runner.masking.secrets import Secret
from tests.support.docker import (
    clear_away,
    image_of_user,
    image_without_shell,
    inspected,
    run_in,
)
from tests.support.docker_runs import Bench, a_bench
from tests.support.runs import SEAL, Record


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    async with a_bench(tmp_path) as bench:
        yield bench


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


async def test_a_command_that_does_not_exist_ends_with_127(bench: Bench) -> None:
    outcome = await bench.run("terrafrom plan")

    assert (outcome.ending, outcome.exit_code) == (Ending.EXITED, 127)
    assert b"terrafrom: not found" in bench.record.output


async def test_the_exit_code_of_a_signal_is_kept(bench: Bench) -> None:
    outcome = await bench.run("kill -TERM $$")

    assert (outcome.ending, outcome.exit_code) == (Ending.EXITED, 143)


async def test_the_memory_limit_ends_a_run_as_out_of_memory(bench: Bench) -> None:
    # tail keeps all of a line that never ends.
    command = "tail -c +1 /dev/zero | tail -n 1"

    outcome = await bench.run(command, limits=Limits(memory=16 << 20))

    assert outcome.ending is Ending.OUT_OF_MEMORY


async def test_binary_output_arrives_to_the_byte(bench: Bench) -> None:
    outcome = await bench.run("cat /bin/busybox; sha256sum /bin/busybox")

    sum_line = f"{'0' * 64}  /bin/busybox\n"
    sent = bench.record.output[: -len(sum_line)]
    told = bench.record.output[-len(sum_line) :]
    assert outcome.exit_code == 0
    assert told.decode().startswith(digest(sent))


async def test_ten_megabytes_without_a_newline_arrive(bench: Bench) -> None:
    await bench.run("head -c 10000000 /dev/zero | tr '\\000' x")

    assert digest(bench.record.output) == digest(b"x" * 10_000_000)


async def test_many_lines_and_a_tail_without_a_newline_arrive(bench: Bench) -> None:
    await bench.run("seq 1 200000; printf tail")

    lines = b"".join(b"%d\n" % number for number in range(1, 200_001))
    assert digest(bench.record.output) == digest(lines + b"tail")


@pytest.mark.parametrize("length", [16383, 16384, 16385, 32768])
async def test_lines_as_long_as_the_engine_cuts_them_arrive(
    bench: Bench, length: int
) -> None:
    line = f"head -c {length} /dev/zero | tr '\\000' x"

    await bench.run(f"{line}; echo; echo; {line}", initializing=(line,))

    x = b"x" * length
    assert bench.record.output == x + x + b"\n\n" + x


async def test_characters_across_the_engines_cut_arrive(bench: Bench) -> None:
    text = "é€😀"
    await bench.run(
        f"i=0; while [ $i -lt 9999 ]; do printf '{text}'; i=$((i + 1)); done"
    )

    assert bench.record.output.decode() == text * 9999


async def test_output_of_a_run_that_ends_at_once_is_complete(bench: Bench) -> None:
    jobs = [bench.job("seq 1 2000", run=f"fast-{number}") for number in range(12)]
    expected = b"".join(b"%d\n" % number for number in range(1, 2001))

    for job in jobs:
        await bench.execute(job)
        assert bench.record.output == expected


async def test_standard_error_keeps_its_place_among_the_output(bench: Bench) -> None:
    await bench.run("for i in 1 2 3; do echo out $i; echo err $i >&2; done")

    assert bench.record.output.decode().split("\n") == [
        *("out 1", "err 1", "out 2", "err 2", "out 3", "err 3", "")
    ]


async def test_a_secret_is_masked_where_the_engine_cuts_it(bench: Bench) -> None:
    secret = Secret("TOKEN", b"hunter2hunter2")
    command = "head -c 16380 /dev/zero | tr '\\000' x; printf hunter2; sleep 1; "

    await bench.run(command + "printf 'hunter2\\n'", secret)

    assert bench.record.output == b"x" * 16380 + b"*****\n"


async def test_an_image_without_a_shell_is_said_to_have_none(bench: Bench) -> None:
    outcome = await bench.run("true", image=image_without_shell())

    assert outcome.ending is Ending.IMAGE
    assert "/bin/sh" in outcome.note


async def test_a_script_that_replaces_the_shell_does_not_pass_for_success(
    bench: Bench,
) -> None:
    outcome = await bench.run("echo never", initializing=("exec true",))

    assert (outcome.phase, outcome.exit_code) == (Phase.INITIALIZING, None)
    assert "the command never ran" in outcome.note
    assert bench.record.output == b""


async def test_the_container_has_no_capabilities_and_gets_none(bench: Bench) -> None:
    await bench.run("grep -E '^(CapEff|CapBnd|NoNewPrivs)' /proc/self/status")

    assert bench.record.output.decode().split() == [
        *("CapEff:", "0" * 16, "CapBnd:", "0" * 16, "NoNewPrivs:", "1")
    ]


async def test_standard_input_is_empty(bench: Bench) -> None:
    outcome = await bench.run("wc -c", initializing=("wc -c",))

    assert bench.record.output == b"0\n0\n"
    assert outcome.exit_code == 0


async def test_what_init_exports_and_writes_reaches_the_command(bench: Bench) -> None:
    await bench.run(
        'echo "$TOKEN $(cat made)"; pwd',
        initializing=("export TOKEN=exported", "echo written > made", "cd /tmp"),
        before_perform=("cd -",),
    )

    assert b"exported written\n/mnt/workspace/source\n" in bench.record.output


async def test_automation_is_told_to_tools_and_may_be_overruled(bench: Bench) -> None:
    command = 'echo "$CI $TF_IN_AUTOMATION $TF_INPUT $NO_COLOR"'

    await bench.run(command, env={"TF_INPUT": "1"})

    assert bench.record.output == b"true 1 1 1\n"


async def test_what_ignores_an_interrupt_is_killed_after_its_grace(
    bench: Bench,
) -> None:
    command = "trap '' INT; echo busy; sleep 60 & wait; sleep 60"

    outcome = await bench.run(command, limits=Limits(run_timeout=timedelta(seconds=2)))

    assert (outcome.ending, outcome.exit_code) == (Ending.TIMEOUT, 137)
    assert "killed" in outcome.note


async def test_what_a_timed_out_command_prints_while_it_ends_is_told(
    bench: Bench,
) -> None:
    command = "trap 'echo lock released; exit 1' INT; sleep 60"

    outcome = await bench.run(command, limits=Limits(run_timeout=timedelta(seconds=2)))

    assert outcome.ending is Ending.TIMEOUT
    assert bench.record.output == b"lock released\n"


@pytest.mark.parametrize("user", ["1042", "1042:1043", "ann", "ann:root"])
async def test_a_user_who_is_not_root_owns_the_workspace(
    bench: Bench, tmp_path: Path, user: str
) -> None:
    tree = tmp_path / "tree"
    (tree / "net").mkdir(parents=True)
    (tree / "net" / "main.tf").write_text("# infrastructure")
    token = WorkspaceFile(path="keys/token", content=b"for your eyes")

    outcome = await bench.run(
        "id -u; cat keys/token; echo more >> main.tf; touch made /mnt/workspace/kept",
        image=image_of_user(user),
        source=DirectorySource(directory=tree),
        project_root="net",
        files=(token,),
    )

    assert bench.record.output == b"1042\n*****"
    assert outcome.exit_code == 0


async def test_a_kept_workspace_keeps_what_runs_make_and_drops_old_source(
    bench: Bench, tmp_path: Path
) -> None:
    (tmp_path / "old.tf").write_text("old")
    (tmp_path / "main.tf").write_text("main")
    source = DirectorySource(directory=tmp_path)
    await bench.run("echo state > state.json", source=source, volume="net")

    (tmp_path / "old.tf").unlink()
    await bench.run("ls", source=source, volume="net")

    assert bench.record.output.decode().split() == ["main.tf", "state.json"]


async def test_a_fresh_workspace_is_gone_after_its_run(bench: Bench) -> None:
    await bench.run("touch made")

    await bench.run("ls -A")

    assert bench.record.output == b""


async def test_a_link_that_leads_out_of_the_workspace_stays_a_link(
    bench: Bench, tmp_path: Path
) -> None:
    (tmp_path / "away").symlink_to("../../../../etc/passwd")

    await bench.run("readlink away", source=DirectorySource(directory=tmp_path))

    assert bench.record.output == b"../../../../etc/passwd\n"


def committed(repository: Path) -> str:
    """Make a repository of what is in *repository*; return its commit."""
    git = ("git", "-C", str(repository), "-c", "user.name=a", "-c", "user.email=a@b")
    for words in (("init", "-q", "-b", "main"), ("add", "."), ("commit", "-qm", "one")):
        subprocess.run([*git, *words], check=True)
    return subprocess.check_output([*git, "rev-parse", "HEAD"], text=True).strip()


async def test_a_git_source_is_there_at_its_commit(
    bench: Bench, tmp_path: Path
) -> None:
    repository = tmp_path / "infra"
    repository.mkdir()
    (repository / "main.tf").write_text("# from git")
    head = committed(repository)

    await bench.run("cat main.tf", source=GitSource(url=str(repository), ref="main"))

    assert SourceFetched(commit=head) in bench.record.events
    assert bench.record.output == b"# from git"


async def test_a_resumed_run_is_told_without_loss_or_doubling(bench: Bench) -> None:
    command = "seq 1 5000; until [ -e /tmp/go ]; do sleep 0.05; done; seq 5001 10000"
    secret = Secret("TOKEN", b"hunter2hunter2")
    init = "echo token hunter2hunter2"
    job = bench.job(command, initializing=(init,))
    seen, after = Record(), Record()
    running = asyncio.create_task(bench.execute(job, seen, secret))
    await seen.printed(b"2500\n")
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running

    run_in(f"handrail-{job.installation}-{job.run}", ": > /tmp/go")
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

    lines = b"".join(b"%d\n" % number for number in range(1, 10_001))
    assert seen.output + after.output == b"token *****\n" + lines
    assert outcome.exit_code == 0


async def test_secret_values_stand_in_no_label(bench: Bench) -> None:
    token = WorkspaceFile(path="token", content=b"hunter3hunter3")
    job = bench.job("sleep 60", secret_env={"A": "hunter2hunter2"}, files=(token,))
    record = Record()
    running = asyncio.create_task(bench.execute(job, record))
    await record.was_asked()

    shown = inspected(f"handrail-{job.installation}-{job.run}")

    assert "handrail.nonce" in shown
    assert "hunter" not in shown
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    container = await bench.engine.find(job.run, bench.installation)
    assert container is not None
    assert await container.remove()


async def test_many_runs_at_once_do_not_get_into_each_others_way(
    bench: Bench,
) -> None:
    jobs = [bench.job(f"seq 1 300; echo {n}", run=f"many-{n}") for n in range(8)]
    records = [Record() for _ in jobs]

    outcomes = await asyncio.gather(
        *(bench.execute(job, record) for job, record in zip(jobs, records, strict=True))
    )

    assert [outcome.exit_code for outcome in outcomes] == [0] * 8
    assert [len(record.output.split()) for record in records] == [301] * 8


async def test_of_a_lost_container_is_told_what_the_engine_remembers(
    bench: Bench,
) -> None:
    record = Record()
    job = bench.job("echo on; sleep 60")
    running = asyncio.create_task(bench.execute(job, record))
    await record.printed(b"on\n")
    await asyncio.to_thread(clear_away, bench.installation)

    outcome = await running
    later, _ = await bench.resume(job, record)

    remembered = r"it ended with exit code 137 at .* UTC and it was removed at .* UTC"
    for lost in (outcome, later):
        assert lost.ending is Ending.LOST
        assert re.search(remembered, lost.note)
