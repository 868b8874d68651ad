"""`handrail run-as-tracked` as a process, with a real child."""

import asyncio
import os
import pty
import shlex
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from subprocess import DEVNULL, PIPE

import pytest

from bot.domain.run import RunState
from runner.scripted import ScriptedEngine
from tests.support.bot import a_bot
from tests.support.ci import a_job, a_key, opens, serve_api
from tests.support.command_line import ROOT, environment, handrail, started
from tests.support.setup import a_setup
from tests.support.tracked_api import FENCE, KEY, StandIn, a_stand_in

LIMIT_SECONDS = 60
GOES_ON = "until [ -e go ]; do sleep 0.05; done\nexit 5"
#: a shell, or a busy machine, may take two signals that come close together for one,
#: so it says as well whether what is sent to the group of its parent is sent to it
COUNTS = """\
import os, signal, sys, time
def note(number, _):
    with open("got", "a") as got:
        got.write(f"{number}\\n")
signal.signal(int(sys.argv[1]), note)
is_in_group = os.getpgrp() == os.getpgid(os.getppid())
with open("ran", "w") as ran:
    ran.write("in the group" if is_in_group else "by itself")
while not os.path.exists("go"):
    time.sleep(0.05)
sys.exit(5)
"""


def counting(what: signal.Signals) -> str:
    """Return a script that notes each *what*, and goes on until it may end."""
    return f"exec {shlex.join([sys.executable, '-c', COUNTS, str(int(what))])}"


@dataclass(kw_only=True)
class Job:
    """A CI job's folder, and the server that it is told of."""

    stand_in: StandIn
    folder: Path

    @property
    def settings(self) -> dict[str, str]:
        return {"HANDRAIL_URL": self.stand_in.url, "HANDRAIL_API_KEY": KEY}

    def arguments(self, script: str) -> list[str]:
        """Return the arguments with which a script runs in the folder."""
        shell = ["sh", "-c", f"cd {self.folder}\n{script}"]
        return ["run-as-tracked", "--stack", "net-prod", "--", *shell]

    async def left(self, name: str) -> str:
        """Wait until the command has written a file, and return what is in it."""
        return await written(self.folder / name)

    def let_go(self) -> None:
        """Have a command end that waits to be told so."""
        (self.folder / "go").touch()


@pytest.fixture
async def job(tmp_path: Path) -> AsyncIterator[Job]:
    async with a_stand_in() as stand_in:
        yield Job(stand_in=stand_in, folder=tmp_path)


async def test_it_exits_with_the_command_and_leaves_its_output_alone(
    job: Job,
) -> None:
    script = 'echo "run $HANDRAIL_RUN, fence $HANDRAIL_FENCE"; echo bad >&2; exit 3'

    done = await handrail(*job.arguments(script), **job.settings)

    assert (done.code, done.out) == (3, f"run 1, fence {FENCE}\n")
    assert done.err == (
        "handrail: run 1 on net-prod is announced\n"
        f"handrail: run 1 performs (fence {FENCE})\n"
        "bad\n"
    )
    assert job.stand_in.ends == {1: 3}


async def test_the_commands_words_are_its_own_and_the_key_is_nowhere(
    job: Job,
) -> None:
    words = ["--stack", "db-prod", "--help", "--", "-x", "$HOME", "a  b"]
    script = (
        "import os, sys; print(sys.argv[1:]); print(dict(os.environ)); "
        "print(*(open(f'/proc/{p}/cmdline').read() for p in ('self', os.getppid())))"
    )

    done = await handrail(
        *("run-as-tracked", "--stack", "net-prod", "--"),
        *(sys.executable, "-c", script, *words),
        **job.settings,
    )

    shown, known, _ = done.out.split("\n", 2)
    assert (done.code, shown) == (0, str(words))
    assert "'HANDRAIL_RUN': '1'" in known
    assert "run-as-tracked" in done.out
    assert KEY not in done.out + done.err
    assert job.stand_in.asked[0][1]["stack"] == "net-prod"


async def test_the_command_reads_what_the_job_is_given(job: Job) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot.cli", *job.arguments("cat")),
        cwd=ROOT,
        env=environment(job.settings),
        stdin=PIPE,
        stdout=PIPE,
        stderr=DEVNULL,
    )
    async with asyncio.timeout(LIMIT_SECONDS):
        out, _ = await process.communicate(b"given\n")

    assert (process.returncode, out) == (0, b"given\n")


@pytest.mark.parametrize("what", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_to_all_of_the_job_reaches_the_command_once(
    job: Job, what: signal.Signals
) -> None:
    arguments = job.arguments(counting(what))
    async with started(*arguments, **job.settings) as process:
        place = await job.left("ran")
        os.killpg(process.inner.pid, what)
        got = await job.left("got")
        job.let_go()
        code = await process.ended()

    assert (code, got) == (5, f"{int(what)}\n")
    assert await job.left("got") == got
    assert place == "by itself"
    assert job.stand_in.ends == {1: 5}


async def test_ctrl_c_at_a_terminal_reaches_the_command_once(job: Job) -> None:
    async with at_a_terminal(job, counting(signal.SIGINT)) as (process, screen):
        place = await job.left("ran")
        os.write(screen, b"\x03")
        got = await job.left("got")
        job.let_go()
        async with asyncio.timeout(LIMIT_SECONDS):
            code = await process.wait()

    assert (code, await job.left("got")) == (5, got)
    assert got == f"{int(signal.SIGINT)}\n"
    assert place == "in the group"


async def test_a_command_at_a_terminal_can_be_typed_to(job: Job) -> None:
    async with at_a_terminal(job, "echo > ran; read line; echo $line > got") as (
        process,
        screen,
    ):
        await job.left("ran")
        os.write(screen, b"yes\n")
        async with asyncio.timeout(LIMIT_SECONDS):
            code = await process.wait()

    assert (code, await job.left("got")) == (0, "yes\n")


async def test_what_a_command_at_a_terminal_leaves_behind_is_waited_for(
    job: Job,
) -> None:
    script = f"(echo > ran; {GOES_ON}) & until [ -e ran ]; do sleep 0.05; done; exit 4"
    async with at_a_terminal(job, script) as (process, screen):
        await shown(screen, "processes that it started go on")
        reported = dict(job.stand_in.ends)
        job.let_go()
        async with asyncio.timeout(LIMIT_SECONDS):
            code = await process.wait()

    assert (code, reported) == (4, {})
    assert job.stand_in.ends == {1: 4}


async def test_a_signal_before_its_turn_leaves_the_queue(job: Job) -> None:
    job.stand_in.looks = 1_000_000
    script = "echo > ran"
    async with started(*job.arguments(script), **job.settings) as process:
        await job.stand_in.heard("heartbeat")
        code = await process.told(signal.SIGTERM)

    assert code == 128 + signal.SIGTERM
    assert job.stand_in.states == {1: "discarded"}
    assert not (job.folder / "ran").exists()


async def test_what_the_server_says_stays_on_one_line(job: Job) -> None:
    job.stand_in.says_no("announce", "no\n::error::fake\x1b[31m")

    done = await handrail(*job.arguments("true"), **job.settings)

    assert done.code == 77
    lines = done.err.splitlines()
    assert lines == ["handrail: no ::error::fake [31m The command was not run."]


async def test_a_key_is_made_used_and_revoked_while_the_bot_runs(
    tmp_path: Path,
) -> None:
    async with a_setup(tmp_path) as setup:
        url = serve_api(setup.seen)
        settings = setup.settings | {
            "HANDRAIL_HTTP": url.removeprefix("http://"),
            "HANDRAIL_URL": url,
        }
        setup.settings = settings
        by = ["--by", setup.seen.people["ada"]]
        wanted = ["--role", "writer", "--stacks", "net-prod", *by]
        async with setup.serving():
            made = await handrail("key", "create", "ci", *wanted, **settings)
            settings["HANDRAIL_API_KEY"] = made.out.strip()
            arguments = ["run-as-tracked", "--stack", "net-prod", "--"]
            ran = await handrail(*arguments, "sh", "-c", "exit 3", **settings)
            told = await setup.seen.tells(setup.seen.roots()[-1]["ts"], "exit code 3")
            await handrail("key", "revoke", "ci", *by, **settings)
            refused = await handrail(*arguments, "echo", "ran", **settings)
            listed = await handrail("key", "list", **settings)

    assert (ran.code, ran.out) == (3, "")
    assert "failed" in told
    assert (refused.code, refused.out) == (77, "")
    assert "used " in listed.out
    assert " from 127.0.0.1" in listed.out
    assert made.out.strip() not in ran.err + refused.err + listed.out + listed.err


async def test_a_bot_that_restarts_meanwhile_hears_of_the_end(tmp_path: Path) -> None:
    async with a_bot(tmp_path, ScriptedEngine()) as bot:
        url = serve_api(bot)
        settings = {"HANDRAIL_URL": url, "HANDRAIL_API_KEY": opens(a_key("ci"))}
        script = f"cd {tmp_path}; echo > ran; {GOES_ON}"
        async with bot.start() as bot.handrail, a_job(bot, url):
            arguments = ["run-as-tracked", "--stack=net-prod", "sh", "-c", script]
            running = asyncio.create_task(handrail(*arguments, **settings))
            await written(tmp_path / "ran")

        (tmp_path / "go").touch()
        async with bot.start() as bot.handrail:
            done = await running
            run = await bot.run(1)

    assert (done.code, run.state, run.exit_code) == (5, RunState.FAILED, 5)
    assert "not on the record" not in done.err


async def written(path: Path) -> str:
    """Wait until something is written to *path*, and return it."""
    async with asyncio.timeout(LIMIT_SECONDS):
        while True:
            with suppress(FileNotFoundError):
                if text := await asyncio.to_thread(path.read_text):
                    return text
            await asyncio.sleep(0.02)


async def shown(screen: int, words: str) -> None:
    """Wait until a terminal shows these words."""
    os.set_blocking(screen, False)
    seen = b""
    async with asyncio.timeout(LIMIT_SECONDS):
        while words.encode() not in seen:
            with suppress(BlockingIOError):
                seen += os.read(screen, 4096)
            await asyncio.sleep(0.02)


@asynccontextmanager
async def at_a_terminal(
    job: Job, script: str
) -> AsyncIterator[tuple[asyncio.subprocess.Process, int]]:
    """Run a script as a person does who sits at a terminal; yield its other end."""
    screen, terminal = pty.openpty()
    process = await asyncio.create_subprocess_exec(
        # With the terminal as its own, as a login shell has it.
        *("setsid", "--ctty", sys.executable, "-m", "bot.cli"),
        *job.arguments(script),
        cwd=ROOT,
        env=environment(job.settings),
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
    )
    try:
        yield process, screen
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
        os.close(terminal)
        os.close(screen)
