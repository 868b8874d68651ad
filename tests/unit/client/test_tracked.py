"""A command as a tracked run, against a server that fails at every moment."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from itertools import repeat
from pathlib import Path
from shlex import quote

import pytest
from aiohttp import ClientSession

from bot.client.tracked import run_as_tracked
from bot.client.wish import Pace, Wish
from tests.support.tracked_api import FENCE, KEY, Fault, No, StandIn, a_stand_in

QUICK = Pace(
    first=0.01,
    slowest=0.02,
    beat=0.02,
    looking=0.02,
    announcing=0.2,
    withdrawing=0.2,
    forgetting=0.5,
    reporting=0.3,
)
NOT_NOW, NOT_PERMITTED = 75, 77


@dataclass(kw_only=True)
class Job:
    """A CI job's folder, and what its command leaves there."""

    stand_in: StandIn
    folder: Path
    said: list[str] = field(default_factory=list)

    async def run(
        self, script: str = "echo > ran", wait: float = 20.0, pace: Pace = QUICK
    ) -> int:
        """Run a shell script as a tracked run, in the job's folder."""
        command = ("sh", "-c", f"cd {self.folder}\n{script}")
        return await self.run_command(*command, wait=wait, pace=pace)

    async def run_command(
        self, *command: str, wait: float = 20.0, pace: Pace = QUICK
    ) -> int:
        """Run a command as a tracked run."""
        wish = Wish(stack="net-prod", command=command, wait=timedelta(seconds=wait))
        environ = {**os.environ, "HANDRAIL_API_KEY": KEY}
        return await run_as_tracked(
            wish, self.stand_in.server, environ, self.said.append, pace
        )

    def left(self, name: str) -> str:
        """Return what the command wrote into a file; nothing where it did not run."""
        path = self.folder / name
        return path.read_text() if path.exists() else ""

    async def is_left(self, name: str) -> None:
        """Wait until the command has written a file."""
        await until(lambda: bool(self.left(name)))

    async def is_said(self, words: str) -> None:
        """Wait until a line with these words was said."""
        await until(lambda: any(words in line for line in self.said))

    def has_run(self) -> bool:
        """Tell whether the command was started."""
        return (self.folder / "ran").exists()

    def let_go(self) -> None:
        """Have a command end that waits to be told so."""
        (self.folder / "go").touch()


#: a script that goes on until the test lets it go
GOES_ON = "echo > ran; until [ -e go ]; do sleep 0.01; done; exit 3"
#: waits for what such a script does first
UNTIL_RAN = "until [ -e ran ]; do sleep 0.01; done"


async def until(is_so: Callable[[], bool]) -> None:
    """Wait for what only looking tells."""
    async with asyncio.timeout(20):
        while True:
            if is_so():
                return
            await asyncio.sleep(0.01)


@pytest.fixture
async def stand_in() -> AsyncIterator[StandIn]:
    async with a_stand_in() as stand_in:
        yield stand_in


@pytest.fixture
def job(stand_in: StandIn, tmp_path: Path) -> Job:
    return Job(stand_in=stand_in, folder=tmp_path)


async def test_a_command_is_announced_begun_performed_and_reported(job: Job) -> None:
    code = await job.run("echo > ran; exit 3")

    assert code == 3
    assert job.stand_in.verbs() == ["announce", "begin", "finish"]
    assert job.stand_in.asked[0][1]["stack"] == "net-prod"
    assert job.stand_in.asked[-1][1] == {"fence": FENCE, "exit_code": 3}


async def test_the_command_that_is_announced_is_what_a_shell_would_read(
    job: Job,
) -> None:
    await job.run_command("echo", "a b", "it's", "--", "caf\udce9")

    announced = job.stand_in.asked[0][1]["command"]
    assert announced == "echo 'a b' 'it'\"'\"'s' -- 'caf\\xe9'"


async def test_the_arguments_are_passed_as_they_are(job: Job) -> None:
    script = "import sys; open(sys.argv[1], 'w').write(repr(sys.argv[2:]))"

    words = ["$HOME", "a  b", "--", "-x", "", "*"]
    await job.run_command(
        sys.executable, "-c", script, str(job.folder / "words"), *words
    )

    assert job.left("words") == repr(words)


async def test_the_command_knows_its_run_and_not_the_key(job: Job) -> None:
    await job.run('echo "$HANDRAIL_RUN $HANDRAIL_STACK $HANDRAIL_FENCE" > known')
    await job.run("env > seen; tr '\\0' ' ' < /proc/$$/cmdline >> seen")

    assert job.left("known") == f"1 net-prod {FENCE}\n"
    assert "HANDRAIL_RUN=2" in job.left("seen")
    assert KEY not in job.left("seen")
    assert "HANDRAIL_API_KEY" not in job.left("seen")
    assert KEY not in " ".join(job.said)
    assert {it["Authorization"] for it in job.stand_in.headers} == {f"Bearer {KEY}"}


async def test_the_turn_is_waited_for_with_heartbeats(job: Job) -> None:
    job.stand_in.looks = 3

    assert await job.run() == 0

    verbs = ["announce", *["heartbeat"] * 3, "begin", "finish"]
    assert job.stand_in.verbs() == verbs
    assert job.stand_in.asked[1][1] == {"fence": None}


async def test_a_turn_that_does_not_come_in_time_leaves_the_queue(job: Job) -> None:
    job.stand_in.looks = 1_000_000

    code = await job.run(wait=0.1)

    assert (code, job.has_run()) == (NOT_NOW, False)
    assert job.stand_in.states == {1: "discarded"}
    assert job.said[-1] == (
        "The turn of run 1 did not come in time (queued, place 2 in the queue). "
        "The command was not run."
    )


async def test_without_any_wait_only_a_free_stack_is_taken(job: Job) -> None:
    assert await job.run(wait=0) == 0

    job.stand_in.looks = 5
    assert await job.run(wait=0) == NOT_NOW
    assert job.stand_in.states[2] == "discarded"


async def test_a_run_that_somebody_discards_is_not_performed(job: Job) -> None:
    job.stand_in.looks = 1_000_000
    waits = asyncio.create_task(job.run())
    await job.stand_in.heard("heartbeat")

    job.stand_in.states[1] = "discarded"
    job.stand_in.keeps_failing("heartbeat", repeat(No(409, "too_late")))

    assert (await waits, job.has_run()) == (NOT_NOW, False)
    assert "Run 1 was discarded before its turn." in job.said[-1]


async def test_a_hold_that_is_taken_at_the_last_moment_is_waited_for(
    job: Job,
) -> None:
    job.stand_in.fails("begin", No(409, "too_late"), No(409, "too_late"))

    assert await job.run() == 0

    assert job.stand_in.verbs().count("begin") == 3


@pytest.mark.parametrize(
    ("no", "code"),
    [
        (No(401, "bad_key", "The key is revoked."), NOT_PERMITTED),
        (No(403, "not_allowed", "The key is no writer."), NOT_PERMITTED),
        (No(404, "unknown_stack", "There is no such stack."), NOT_PERMITTED),
        (No(409, "channel", "Handrail is in no channel."), NOT_PERMITTED),
        (No(422, "bad_command", "That is no command."), NOT_PERMITTED),
        (No(409, "held", "ann has held net-prod for 2 h."), NOT_NOW),
    ],
)
async def test_what_is_refused_is_not_run_and_says_why(
    job: Job, no: No, code: int
) -> None:
    job.stand_in.fails("announce", no)

    assert (await job.run(), job.has_run()) == (code, False)

    assert job.said == [f"{no.message} The command was not run."]
    assert job.stand_in.verbs() == ["announce"]


async def test_a_refusal_to_begin_leaves_the_queue(job: Job) -> None:
    job.stand_in.fails("begin", No(403, "not_allowed"))

    assert (await job.run(), job.has_run()) == (NOT_PERMITTED, False)

    assert job.stand_in.states == {1: "discarded"}


@pytest.mark.parametrize("fault", list(Fault))
async def test_an_announcement_is_sent_again_and_makes_one_run(
    job: Job, fault: Fault
) -> None:
    job.stand_in.fails("announce", fault, fault)

    assert await job.run() == 0

    assert job.stand_in.verbs().count("announce") == 3
    assert len(job.stand_in.names) == 1


@pytest.mark.parametrize("fault", list(Fault))
async def test_a_server_that_stays_away_at_the_start_runs_nothing(
    job: Job, fault: Fault
) -> None:
    job.stand_in.keeps_failing("announce", repeat(fault))

    assert (await job.run(), job.has_run()) == (NOT_NOW, False)

    assert job.said[-1].startswith("Handrail could not be asked: ")


async def test_giving_up_an_announcement_whose_answer_was_lost_leaves_no_run(
    job: Job,
) -> None:
    slow = replace(QUICK, first=20.0, slowest=20.0)
    job.stand_in.fails("announce", Fault.LOST)
    waits = asyncio.create_task(job.run(pace=slow))
    await job.stand_in.heard("announce")

    os.kill(os.getpid(), signal.SIGTERM)

    assert (await waits, job.has_run()) == (128 + signal.SIGTERM, False)
    assert job.stand_in.states == {1: "discarded"}
    assert job.stand_in.verbs() == ["announce", "announce", "stop"]


async def test_an_announcement_that_is_lost_until_its_end_leaves_no_run(
    job: Job,
) -> None:
    once = replace(QUICK, announcing=0)
    job.stand_in.fails("announce", Fault.LOST)

    assert await job.run(pace=once) == NOT_NOW

    assert job.stand_in.states == {1: "discarded"}


async def test_nobody_at_the_address_runs_nothing(job: Job) -> None:
    async with a_stand_in() as gone:
        pass
    job.stand_in = gone

    assert (await job.run(), job.has_run()) == (NOT_NOW, False)


@pytest.mark.parametrize("fault", list(Fault))
async def test_an_outage_while_waiting_is_waited_through(
    job: Job, fault: Fault
) -> None:
    job.stand_in.looks = 3
    job.stand_in.fails("heartbeat", *[fault] * 3)

    assert await job.run() == 0

    away = [line for line in job.said if "still waiting" in line]
    assert len(away) == 1
    assert job.stand_in.ends == {1: 0}


@pytest.mark.parametrize("fault", list(Fault))
async def test_a_begin_whose_answer_is_missed_is_performed_once(
    job: Job, fault: Fault
) -> None:
    job.stand_in.fails("begin", fault)

    assert await job.run("echo once >> ran") == 0

    assert job.left("ran") == "once\n"
    assert job.stand_in.ends == {1: 0}


async def test_a_begin_that_nobody_heard_of_in_time_is_ended(job: Job) -> None:
    job.stand_in.fails("begin", Fault.LOST)
    job.stand_in.keeps_failing("heartbeat", repeat(Fault.AWAY))

    assert (await job.run(wait=0.1), job.has_run()) == (NOT_NOW, False)

    assert job.stand_in.ends == {1: NOT_NOW}


async def test_what_cannot_be_taken_back_is_told(job: Job) -> None:
    job.stand_in.looks = 1_000_000
    job.stand_in.keeps_failing("stop", repeat(Fault.AWAY))

    assert await job.run(wait=0) == NOT_NOW

    told = "run 1 could not be taken back: The database is away."
    assert told in job.said


@pytest.mark.parametrize("fault", list(Fault))
async def test_an_outage_while_the_command_runs_does_not_touch_it(
    job: Job, fault: Fault
) -> None:
    job.stand_in.fails("heartbeat", *[fault] * 3)
    runs = asyncio.create_task(job.run(GOES_ON))
    await job.stand_in.heard("heartbeat", 5)
    job.let_go()

    assert await runs == 3

    assert [line for line in job.said if "goes on" in line] != []
    assert "Handrail is heard again" in job.said
    assert job.stand_in.ends == {1: 3}


async def test_a_run_that_was_settled_meanwhile_goes_on_and_keeps_its_exit_code(
    job: Job,
) -> None:
    runs = asyncio.create_task(job.run(GOES_ON))
    await job.stand_in.heard("heartbeat", 2)
    job.stand_in.states[1] = "failed"
    job.stand_in.ends[1] = 255
    job.stand_in.fails("heartbeat", No(409, "too_late", "Run 1 is over."))
    await job.stand_in.heard("heartbeat", 3)
    job.let_go()

    assert await runs == 3

    assert "Run 1 is over. The command goes on, unheard." in job.said
    assert job.said[-1].endswith("Exit code 3 is not on the record.")


@pytest.mark.parametrize(
    "no",
    [
        No(401, "bad_key", "The key has expired."),
        No(403, "not_allowed", "The key is no writer."),
        No(404, "unknown_run", "There is no run 1."),
        No(409, "held", "That is held."),
    ],
)
async def test_a_no_that_may_pass_is_told_once_and_outlived(job: Job, no: No) -> None:
    job.stand_in.fails("heartbeat", *[no] * 3)
    job.stand_in.fails("finish", no, no)
    runs = asyncio.create_task(job.run(GOES_ON))
    await job.stand_in.heard("heartbeat", 5)
    job.let_go()

    assert await runs == 3

    assert job.stand_in.ends == {1: 3}
    assert [line for line in job.said if no.message in line] == [
        f"Handrail is away ({no.message}); the command goes on",
        f"exit code 3 cannot be reported yet: {no.message}",
    ]


async def test_a_key_that_expires_meanwhile_does_not_touch_the_command(
    job: Job,
) -> None:
    expired = No(401, "bad_key", "The key has expired.")
    job.stand_in.keeps_failing("heartbeat", repeat(expired))
    job.stand_in.keeps_failing("finish", repeat(expired))
    runs = asyncio.create_task(job.run(GOES_ON))
    await job.stand_in.heard("heartbeat")
    job.let_go()

    assert await runs == 3

    assert job.said[-1].startswith("exit code 3 of run 1 is not on the record")


async def test_no_error_of_its_own_ends_the_heartbeats(
    job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A session refuses what it cannot send with errors of its own kind.
    job.stand_in.fails("heartbeat", Fault.LOST)
    failing = iter([RuntimeError("Session is closed")])
    ask = ClientSession.request

    def request(
        session: ClientSession, method: str, url: str, **more: object
    ) -> object:
        if url.endswith(("/heartbeat", "/finish")) and (error := next(failing, None)):
            raise error
        return ask(session, method, url, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(ClientSession, "request", request)
    runs = asyncio.create_task(job.run(GOES_ON))
    await job.stand_in.heard("heartbeat", 3)
    job.let_go()

    assert await runs == 3

    assert any("RuntimeError('Session is closed')" in line for line in job.said)
    assert job.stand_in.ends == {1: 3}


@pytest.mark.parametrize("fault", list(Fault))
async def test_a_report_is_sent_until_it_is_heard(job: Job, fault: Fault) -> None:
    job.stand_in.fails("finish", fault, fault)

    assert await job.run("exit 4") == 4

    assert job.stand_in.ends == {1: 4}


async def test_a_report_that_is_never_heard_does_not_change_the_exit_code(
    job: Job,
) -> None:
    job.stand_in.keeps_failing("finish", repeat(Fault.DROPPED))

    assert await job.run("exit 4") == 4

    assert job.said[-1].startswith("exit code 4 of run 1 is not on the record; net-")


async def test_a_command_that_a_signal_ends_exits_as_a_shell_would_say(
    job: Job,
) -> None:
    code = await job.run("kill -KILL $$")

    assert code == 128 + signal.SIGKILL
    assert job.stand_in.ends == {1: code}


async def test_a_signal_while_waiting_leaves_the_queue(job: Job) -> None:
    job.stand_in.looks = 1_000_000
    waits = asyncio.create_task(job.run())
    await job.stand_in.heard("heartbeat")

    os.kill(os.getpid(), signal.SIGTERM)

    assert (await waits, job.has_run()) == (128 + signal.SIGTERM, False)
    assert job.stand_in.states == {1: "discarded"}
    assert "Ended by SIGTERM before its turn." in job.said[-1]


async def test_a_signal_while_the_server_is_away_ends_the_waiting(job: Job) -> None:
    job.stand_in.keeps_failing("announce", repeat(Fault.AWAY))
    waits = asyncio.create_task(job.run())
    await job.stand_in.heard("announce")

    os.kill(os.getpid(), signal.SIGINT)

    assert (await waits, job.has_run()) == (128 + signal.SIGINT, False)


async def test_a_signal_while_the_command_runs_is_the_commands(job: Job) -> None:
    script = "trap 'echo got >> got; exit 9' TERM; " + GOES_ON
    runs = asyncio.create_task(job.run(script))
    await job.stand_in.heard("heartbeat")

    os.kill(os.getpid(), signal.SIGTERM)

    assert await runs == 9
    assert job.left("got") == "got\n"
    assert job.stand_in.ends == {1: 9}


async def test_a_signal_reaches_what_a_shell_waits_for(job: Job) -> None:
    waited_for = f"trap 'echo got >> got; exit 9' TERM; {GOES_ON}"
    runs = asyncio.create_task(job.run(f"sh -c {quote(waited_for)}; true"))
    await job.is_left("ran")

    os.kill(os.getpid(), signal.SIGTERM)

    assert await runs == 128 + signal.SIGTERM
    assert job.left("got") == "got\n"
    assert job.stand_in.ends == {1: 128 + signal.SIGTERM}


@pytest.mark.parametrize("apart", ["", "timeout 60"])
async def test_the_stack_stays_busy_until_all_of_the_command_has_ended(
    job: Job, apart: str
) -> None:
    script = f"{apart} sh -c {quote(GOES_ON)} & {UNTIL_RAN}; exit 4"
    runs = asyncio.create_task(job.run(script))
    await job.is_said("processes that it started go on")

    beats = job.stand_in.verbs().count("heartbeat")
    await job.stand_in.heard("heartbeat", beats + 2)
    assert "finish" not in job.stand_in.verbs()
    job.let_go()

    assert await runs == 4
    assert job.stand_in.ends == {1: 4}
    assert len([line for line in job.said if "go on" in line]) == 1


@pytest.mark.parametrize("apart", ["", "timeout 60"])
async def test_a_signal_reaches_what_the_command_has_left_behind(
    job: Job, apart: str
) -> None:
    behind = f"trap 'echo got >> got; exit 9' TERM; {GOES_ON}"
    script = f"{apart} sh -c {quote(behind)} & {UNTIL_RAN}; exit 4"
    runs = asyncio.create_task(job.run(script))
    await job.is_said("processes that it started go on")

    os.kill(os.getpid(), signal.SIGTERM)

    assert await runs == 4
    assert job.left("got") == "got\n"


async def test_a_daemon_that_left_on_purpose_is_not_waited_for(job: Job) -> None:
    script = f"setsid sh -c {quote(GOES_ON + '; echo > gone')} & {UNTIL_RAN}; exit 4"

    code = await job.run(script)
    gone = job.left("gone")
    job.let_go()

    assert (code, gone) == (4, "")
    assert job.stand_in.ends == {1: 4}


async def test_a_signal_ends_the_reporting_to_a_server_that_is_away(
    stand_in: StandIn, tmp_path: Path
) -> None:
    job = Job(stand_in=stand_in, folder=tmp_path)
    stand_in.keeps_failing("finish", repeat(Fault.AWAY))
    reports = asyncio.create_task(job.run("exit 4"))
    await stand_in.heard("finish")

    os.kill(os.getpid(), signal.SIGTERM)

    assert await reports == 4


async def test_a_command_that_does_not_exist_is_not_announced(job: Job) -> None:
    code = await job.run_command("no-such-command-anywhere")

    assert code == 127
    assert job.stand_in.verbs() == []
    assert job.said == [
        "no-such-command-anywhere: command not found, so nothing was announced"
    ]


async def test_a_command_that_cannot_be_started_is_reported(job: Job) -> None:
    broken = job.folder / "broken"
    broken.write_text("#!/no/such/interpreter\n")
    broken.chmod(0o755)

    assert await job.run_command(str(broken)) == 127

    assert job.stand_in.ends == {1: 127}


async def test_signals_are_as_by_default_again_afterwards(job: Job) -> None:
    await job.run()

    after = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    assert after == (signal.default_int_handler, signal.SIG_DFL)
