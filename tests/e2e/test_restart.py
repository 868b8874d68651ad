"""The bot as a process that dies and comes back, while containers go on."""

from pathlib import Path
from signal import SIGKILL, SIGTERM

from bot.domain.run import Reason, RunState
from tests.support.docker import containers_of, run_in, wait_for_end
from tests.support.setup import Setup, a_setup

UNTIL_TOLD = "until [ -e /tmp/go ]; do sleep 0.1; done"
WAITING = f"seq 1 2000; {UNTIL_TOLD}; seq 2001 4000; exit 3"
FLOWING = "for n in $(seq 0 39); do seq $((n*100+1)) $((n*100+100)); sleep 0.1; done"
LINES = b"".join(b"%d\n" % number for number in range(1, 4001))


def tell(setup: Setup, number: int) -> None:
    """Let the script of a run that waits go on."""
    run_in(setup.container(number), ": > /tmp/go")


async def ended(setup: Setup, ts: str, words: str) -> None:
    """Wait until the thread is told the end of its run."""
    seen = setup.seen
    await seen.tells(ts, f"{words}*")
    await seen.shows(ts, words)
    assert sum(f"{words}*" in text for text in seen.told(ts)) == 1


async def test_output_printed_while_the_bot_is_dead_is_told_when_it_is_back(
    tmp_path: Path,
) -> None:
    async with a_setup(tmp_path) as setup:
        async with setup.serving() as first:
            ts = await setup.seen.task(f"net-prod {WAITING}")
            await setup.seen.tells(ts, "1999\n2000")
            await first.told(SIGKILL)
        tell(setup, 1)
        wait_for_end(setup.container(1))

        async with setup.serving():
            await setup.seen.tells(ts, "the run goes on")
            await ended(setup, ts, "failed: the command failed, exit code 3")

        run, output = await setup.recorded(1)
        assert output == LINES
        assert (run.reason, run.exit_code) == (Reason.EXIT_CODE, 3)
        assert len(setup.seen.roots()) == 1


async def test_a_bot_killed_in_the_flow_of_output_loses_and_doubles_none_of_it(
    tmp_path: Path,
) -> None:
    async with a_setup(tmp_path) as setup:
        async with setup.serving() as first:
            ts = await setup.seen.task(f"net-prod {FLOWING}")
            await setup.seen.tells(ts, "5\n")
            await first.told(SIGKILL)

        async with setup.serving():
            await ended(setup, ts, "finished, exit code 0")

        _, output = await setup.recorded(1)
        assert output == LINES


async def test_a_run_whose_bot_is_killed_while_it_initializes_performs_after_all(
    tmp_path: Path,
) -> None:
    init = f'init: "echo connecting; {UNTIL_TOLD}; export DONE=yes"'
    async with a_setup(tmp_path, stack=init) as setup:
        async with setup.serving() as first:
            ts = await setup.seen.task('net-prod echo "initialized $DONE"')
            await setup.seen.shows(ts, "initializing")
            await first.told(SIGKILL)

        async with setup.serving():
            await setup.seen.tells(ts, "the run goes on")
            tell(setup, 1)
            await ended(setup, ts, "finished, exit code 0")

        run, output = await setup.recorded(1)
        assert run.state is RunState.FINISHED
        assert output == b"connecting\ninitialized yes\n"


async def test_a_queue_outlives_a_bot_that_is_killed(tmp_path: Path) -> None:
    async with a_setup(tmp_path) as setup:
        async with setup.serving() as first:
            ahead = await setup.seen.task(f"net-prod {UNTIL_TOLD}", by="ann")
            await setup.seen.shows(ahead, "performing")
            behind = await setup.seen.task("net-prod echo second", by="bob")
            await setup.seen.tells(behind, "Queued, number 1")
            await first.told(SIGKILL)

        async with setup.serving():
            await setup.seen.tells(ahead, "the run goes on")
            tell(setup, 1)
            await ended(setup, ahead, "finished, exit code 0")
            await ended(setup, behind, "finished, exit code 0")

        one, _ = await setup.recorded(1)
        two, output = await setup.recorded(2)
        assert one.ended_at is not None
        assert two.started_at is not None
        assert one.ended_at <= two.started_at
        assert output == b"second\n"


async def test_a_bot_that_is_told_to_end_leaves_containers_and_holds_as_they_are(
    tmp_path: Path,
) -> None:
    async with a_setup(tmp_path) as setup:
        async with setup.serving() as first:
            ts = await setup.seen.task(f"net-prod {UNTIL_TOLD}; echo done", by="ann")
            await setup.seen.shows(ts, "performing")
            await setup.seen.reply("lock: moving the state", to=ts, by="ann")
            await setup.seen.tells(ts, "holds *net-prod*")
            code = await first.told(SIGTERM)

            assert code == 0
            assert not first.leaves_processes
        assert containers_of(setup.installation) == [setup.container(1)]

        async with setup.serving():
            tell(setup, 1)
            await ended(setup, ts, "finished, exit code 0")
            await setup.seen.slash("net-prod true", by="bob")
            await setup.seen.whispers("bob", "ann has held net-prod for")

        _, output = await setup.recorded(1)
        assert output == b"done\n"
