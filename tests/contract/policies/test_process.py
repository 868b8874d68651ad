"""The bot's own OPA: hostile policies, its end, its start, and what it can see."""

import asyncio
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from bot.domain.errors import PolicyUnavailable
from bot.domain.policy import Policy
from bot.policies.loading import unload_policy
from bot.policies.missing import NoPolicies
from bot.policies.opa import OpaPolicies, opened
from bot.policies.process import OwnOpa
from bot.policies.server import Server, server_at
from tests.contract.policies.asking import BOMB, ENDLESS, STUBBORN, Asked

FINE = 'package spacelift\n\ndeny["no"] { true }\n'


def pid(asked: Asked) -> int:
    """Return the process id of the OPA that *asked* has of its own."""
    assert isinstance(asked.server, OwnOpa)
    assert asked.server.pid is not None
    return asked.server.pid


def cpu_seconds(process: int) -> float:
    """Return what a process has used so far."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def is_gone(process: int) -> bool:
    """Tell whether there is no such process any more."""
    return not Path(f"/proc/{process}").exists()


def environment_of(process: int) -> bytes:
    """Return the environment that a process was given."""
    return Path(f"/proc/{process}/environ").read_bytes()


async def idle(process: int) -> None:
    """Wait until a process works no more."""
    busy = True
    async with asyncio.timeout(20):
        while busy:
            before = cpu_seconds(process)
            await asyncio.sleep(0.1)
            busy = cpu_seconds(process) - before > 0.03


async def told(server: Server, words: str) -> None:
    """Wait until the trouble of an OPA is told in such words."""
    async with asyncio.timeout(20):
        while words not in server.trouble:  # noqa: ASYNC110 (it is told to nobody)
            await asyncio.sleep(0.01)


async def started_again(starts: Path, wanted: int) -> None:
    """Wait until a program that notes its starts was started so often."""
    async with asyncio.timeout(20):
        while starts_of(starts) < wanted:  # noqa: ASYNC110 (it tells nobody)
            await asyncio.sleep(0.01)


def starts_of(starts: Path) -> int:
    """Return how often a program was started that notes it there."""
    return len(starts.read_text().split()) if starts.exists() else 0


@asynccontextmanager
async def an_opa(opa: Path, socket_path: Path) -> AsyncIterator[None]:
    """Run an OPA at *socket_path*."""
    flags = ("--server", "--v0-compatible", "--disable-telemetry", "--log-level=error")
    process = await asyncio.create_subprocess_exec(
        *(str(opa), "run", *flags, f"--addr=unix://{socket_path}"),
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        yield
    finally:
        process.kill()
        await process.wait()


@asynccontextmanager
async def a_web_site() -> AsyncIterator[str]:
    """Yield the address of something that is no OPA."""

    async def answer(
        reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno")
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as site:
        port = site.sockets[0].getsockname()[1]
        yield f"http://127.0.0.1:{port}"


async def ended(process: int) -> None:
    """Wait until a process is gone."""
    async with asyncio.timeout(20):
        while not is_gone(process):  # noqa: ASYNC110 (it is nobody's child here)
            await asyncio.sleep(0.01)


async def why_unavailable(asked: Asked) -> str:
    """Return why OPA cannot be asked: of a decision the same as of a check."""
    with pytest.raises(PolicyUnavailable) as of_ruling:
        await asked.ruling(FINE)
    with pytest.raises(PolicyUnavailable) as of_check:
        await asked.faults(FINE)

    assert str(of_ruling.value) == str(of_check.value)
    return str(of_check.value)


async def test_an_endless_policy_is_interrupted_and_is_a_no(own: Asked) -> None:
    hasty = OpaPolicies(own.server, limit=1.0)
    policy = own.written(ENDLESS)
    _ = await own.policies.kind(policy)

    ruling = await hasty.rule(policy, {})

    assert ruling.failed == (
        "Policy policy.rego could not be evaluated: it took longer than 1 seconds."
    )
    assert ruling.rejects


async def test_opa_works_no_more_on_what_was_interrupted(own: Asked) -> None:
    hasty = OpaPolicies(own.server, limit=1.0)
    policy = own.written(ENDLESS)
    _ = await own.policies.kind(policy)
    _ = await hasty.rule(policy, {})

    await idle(pid(own))


async def test_an_opa_that_does_not_let_go_is_ended(own: Asked) -> None:
    hasty = OpaPolicies(own.server, limit=1.0)
    policy, fine = own.written(STUBBORN), own.written(FINE, "fine.rego")
    _ = await own.policies.kind(policy)
    stubborn = pid(own)

    ruling = await hasty.rule(policy, {})
    await ended(stubborn)

    assert "took longer" in ruling.failed
    assert (await own.policies.rule(fine, {})).deny == ("no",)


async def test_an_opa_that_works_on_what_is_asked_now_is_not_ended(own: Asked) -> None:
    hasty = OpaPolicies(own.server, limit=1.0)
    policy = own.written(ENDLESS)
    _ = await own.policies.kind(policy)

    for _ in range(4):
        assert "took longer" in (await hasty.rule(policy, {})).failed
    await idle(pid(own))

    assert own.server.incarnation == 1


async def test_an_opa_that_does_not_let_go_is_ended_though_it_is_always_asked(
    own: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.policies.process._PATIENCE", 2.0)
    hasty = OpaPolicies(own.server, limit=1.0)
    policy, fine = own.written(STUBBORN), own.written(FINE, "fine.rego")
    _ = await own.policies.kind(policy)
    stubborn = pid(own)
    _ = await hasty.rule(policy, {})

    async with asyncio.timeout(20):
        while not is_gone(stubborn):
            assert (await own.policies.rule(fine, {})).deny == ("no",)


async def test_others_are_answered_while_a_policy_does_not_end(own: Asked) -> None:
    endless, fine = own.written(ENDLESS), own.written(FINE, "fine.rego")
    hasty = OpaPolicies(own.server, limit=2.0)
    _ = await own.policies.rule(fine, {})
    judged = asyncio.create_task(hasty.rule(endless, {}))
    answered = 0

    while not judged.done():
        ruling = await own.policies.rule(fine, {})
        assert ruling.deny == ("no",)
        answered += 1

    assert answered > 5
    assert (await judged).failed


async def test_a_memory_bomb_ends_opa_alone_and_is_a_no(own: Asked) -> None:
    bomb = own.written(BOMB, "bomb.rego")

    failed = await own.policies.rule(bomb, {"bomb": True})
    after = await own.policies.rule(bomb, {"bomb": False})

    assert failed.failed == (
        "Policy bomb.rego could not be evaluated: OPA ended while it was asked, as it "
        "does when memory runs out."
    )
    assert not after.failed
    assert own.server.incarnation > 1


async def test_a_bomb_harms_no_policy_that_is_asked_meanwhile(own: Asked) -> None:
    bomb, fine = own.written(BOMB, "bomb.rego"), own.written(FINE, "fine.rego")

    rulings = await asyncio.gather(
        *(own.policies.rule(fine, {}) for _ in range(5)),
        own.policies.rule(bomb, {"bomb": True}),
        *(own.policies.rule(fine, {}) for _ in range(5)),
    )

    assert [it.policy for it in rulings if it.failed] == ["bomb.rego"]
    assert sum(it.deny == ("no",) for it in rulings) == 10


async def test_a_hundred_thousand_elements_do_no_harm(own: Asked) -> None:
    text = """package spacelift

numbers_ := {i: [i, sprintf("%d", [i])] | some i in numbers.range(1, 100000)}
deny contains sprintf("%d", [count(numbers_)]) if count(numbers_) > input.most
deny contains sprintf("%d", [i]) if some i, _ in numbers_
"""
    large = await own.policies.rule(own.written(text, "large.rego"), {"most": 9})
    fine = await own.policies.rule(own.written(FINE), {})

    assert large.failed == ""
    assert "100000" in large.deny
    assert large.deny[50:] == ("… and 99950 more.",)
    assert fine.deny == ("no",)
    assert own.server.incarnation == 1


async def test_opa_is_started_again_when_it_ends(own: Asked) -> None:
    policy = own.written(FINE)
    _ = await own.policies.rule(policy, {})
    os.kill(pid(own), signal.SIGKILL)

    ruling = await own.policies.rule(policy, {})

    assert ruling.deny == ("no",)


async def test_a_ruling_waits_for_an_opa_that_is_being_started(
    opa: Path, tmp_path: Path
) -> None:
    async with server_at(str(opa), tmp_path) as server:
        asked = Asked(
            policies=OpaPolicies(server, limit=30), server=server, folder=tmp_path
        )

        ruling = await asked.ruling(FINE)

    assert ruling.deny == ("no",)


async def test_opa_and_its_socket_are_gone_afterwards(
    opa: Path, tmp_path: Path
) -> None:
    async with server_at(str(opa), tmp_path) as server:
        await server.ready()
        asked = Asked(policies=OpaPolicies(server), server=server, folder=tmp_path)
        process = pid(asked)
        assert len(list((tmp_path / "opa").iterdir())) == 1

    assert is_gone(process)
    assert list((tmp_path / "opa").iterdir()) == []


async def test_opa_has_no_environment(own: Asked) -> None:
    assert environment_of(os.getpid())

    assert environment_of(pid(own)) == b""


async def test_opa_ends_with_a_bot_that_is_killed(opa: Path, tmp_path: Path) -> None:
    program = f"""
import asyncio
from pathlib import Path
from bot.policies.server import Server, server_at

async def main():
    async with server_at({str(opa)!r}, Path({str(tmp_path)!r})) as server:
        await server.ready()
        print(server.pid, flush=True)
        await asyncio.sleep(60)

asyncio.run(main())
"""
    bot = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", program),
        stdout=asyncio.subprocess.PIPE,
    )
    assert bot.stdout is not None
    process = int(await bot.stdout.readline())

    bot.kill()

    await bot.wait()
    await ended(process)


async def test_what_a_killed_bot_left_is_removed(opa: Path, tmp_path: Path) -> None:
    left = tmp_path / "opa" / "left.sock"
    left.parent.mkdir()
    with socket.socket(socket.AF_UNIX) as nobody:
        nobody.bind(str(left))

    async with server_at(str(opa), tmp_path) as server:
        await server.ready()

        assert not left.exists()


async def test_a_long_data_directory_is_no_hindrance(opa: Path, tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 120)
    async with server_at(str(opa), deep) as server:
        asked = Asked(
            policies=OpaPolicies(server, limit=30), server=server, folder=tmp_path
        )

        assert (await asked.ruling(FINE)).deny == ("no",)


async def test_a_program_that_is_missing_is_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(PolicyUnavailable, match="where there is no program"):
        async with opened(str(tmp_path / "opa"), tmp_path):
            pass


async def test_a_program_that_is_no_opa_is_told_by_its_own_words(
    tmp_path: Path,
) -> None:
    program = tmp_path / "no-opa"
    program.write_text("#!/bin/sh\necho 'unknown flag: --v0-compatible' >&2\nexit 1\n")
    program.chmod(0o755)
    async with server_at(str(program), tmp_path) as server:
        await told(server, "unknown flag")
        asked = Asked(
            policies=OpaPolicies(server, limit=0.5), server=server, folder=tmp_path
        )

        sentence = await why_unavailable(asked)

    assert sentence == (
        f"Policies cannot be evaluated: OPA ({program}) does not run: unknown flag: "
        "--v0-compatible. HANDRAIL_OPA has to be the program of Open Policy Agent, 1.0 "
        "or newer."
    )


async def test_a_program_that_is_no_opa_is_logged_once(tmp_path: Path) -> None:
    program = tmp_path / "no-opa"
    program.write_text(f"#!/bin/sh\necho x >>{tmp_path}/starts\necho no; exit 1\n")
    program.chmod(0o755)

    with capture_logs() as logs:
        async with server_at(str(program), tmp_path):
            await started_again(tmp_path / "starts", 4)

    assert [it["said"] for it in logs] == ["no"]


async def test_an_address_where_nothing_is_is_told_as_the_setting_that_it_is(
    tmp_path: Path,
) -> None:
    address = f"unix://{tmp_path}/nothing.sock"
    async with server_at(address, tmp_path) as server:
        asked = Asked(
            policies=OpaPolicies(server, limit=0.3), server=server, folder=tmp_path
        )

        sentence = await why_unavailable(asked)

    assert sentence == (
        f"Policies cannot be evaluated: OPA at {address} does not answer: No such file "
        "or directory. Start it, or set HANDRAIL_OPA to the address of an OPA that "
        "runs."
    )


async def test_an_address_of_something_else_is_told_as_the_setting_that_it_is(
    tmp_path: Path,
) -> None:
    async with a_web_site() as address, server_at(address, tmp_path) as server:
        asked = Asked(policies=OpaPolicies(server), server=server, folder=tmp_path)

        with pytest.raises(PolicyUnavailable) as told:
            await asked.faults(FINE)

    assert str(told.value) == (
        f"Policies cannot be evaluated: OPA at {address} refused with HTTP 404: what "
        "it said is no JSON. Start it, or set HANDRAIL_OPA to the address of an OPA "
        "that runs."
    )


async def test_an_opa_that_is_still_being_started_is_no_fault_of_the_policy(
    tmp_path: Path,
) -> None:
    program = tmp_path / "slow-opa"
    program.write_text("#!/bin/sh\nexec sleep 60\n")
    program.chmod(0o755)
    async with server_at(str(program), tmp_path) as server:
        asked = Asked(
            policies=OpaPolicies(server, limit=0.3), server=server, folder=tmp_path
        )

        with pytest.raises(PolicyUnavailable, match="it is being started"):
            await asked.ruling(FINE)


async def test_an_opa_that_hangs_as_a_whole_is_no_fault_of_the_policy(
    own: Asked,
) -> None:
    hasty = OpaPolicies(own.server, limit=1.0)
    policy = own.written(FINE)
    assert (await hasty.rule(policy, {})).deny == ("no",)
    os.kill(pid(own), signal.SIGSTOP)

    with pytest.raises(PolicyUnavailable, match=r"OPA at unix://.* does not answer"):
        await hasty.rule(policy, {})


async def test_a_slow_policy_is_told_as_slow_after_opa_was_away(
    opa: Path, tmp_path: Path
) -> None:
    socket_path = tmp_path / "s"
    async with server_at(f"unix://{socket_path}", tmp_path) as server:
        policies = OpaPolicies(server, limit=3.0)
        asked = Asked(policies=policies, server=server, folder=tmp_path)
        policy = asked.written(ENDLESS)
        judged = asyncio.create_task(policies.rule(policy, {}))
        async with an_opa(opa, socket_path):
            ruling = await judged

    assert ruling.failed.endswith("it took longer than 3 seconds.")


async def test_a_running_opa_that_lost_its_policies_gets_them_again(
    asked: Asked,
) -> None:
    policy = asked.written(FINE.replace("no", "still no"))
    assert (await asked.policies.rule(policy, {})).deny == ("still no",)
    await unload_policy(asked.server.client, policy.path.read_text())

    ruling = await asked.policies.rule(policy, {})

    assert ruling.deny == ("still no",)


async def test_without_opa_no_policy_is_evaluated(tmp_path: Path) -> None:
    policy = Policy(name="policy.rego", path=tmp_path / "policy.rego")
    async with opened(None, tmp_path) as policies:
        with pytest.raises(PolicyUnavailable, match="HANDRAIL_OPA is not set"):
            await policies.rulings([policy], {})
        with pytest.raises(PolicyUnavailable, match="HANDRAIL_OPA is not set"):
            await policies.check([policy])
        with pytest.raises(PolicyUnavailable, match="HANDRAIL_OPA is not set"):
            await policies.kind(policy)

    assert isinstance(policies, NoPolicies)
