"""Tries to break out of a run's container: one test for each promise it makes."""

import re
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from bot.domain.run import Reason, RunState
from runner.docker.address import connect
from runner.events import Ending
from runner.job import Limits, WorkspaceFile
from tests.support.docker import (
    busybox_image,
    engine_address,
    image_with_setuid_su,
)
from tests.support.docker_bot import a_docker_bot, a_real_stack, told
from tests.support.docker_runs import Bench, a_bench

#: What an engine gives every container as devices, and links to these.
DEVICES = {
    *("console", "core", "fd", "full", "mqueue", "null", "ptmx", "pts", "random"),
    *("shm", "stderr", "stdin", "stdout", "tty", "urandom", "zero"),
}
#: File systems that are made for the container, and have nothing of the host.
OF_ITS_OWN = {"proc", "sysfs", "tmpfs", "devpts", "mqueue", "cgroup", "cgroup2"}


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    async with a_bench(tmp_path) as bench:
        yield bench


async def printed(bench: Bench, command: str, **changes: object) -> str:
    """Return what *command* prints in a container of its own."""
    await bench.run(command, **changes)
    return bench.record.output.decode()


async def test_there_is_no_capability_to_have(bench: Bench) -> None:
    seen = await printed(bench, "grep -E '^Cap' /proc/self/status /proc/1/status")

    sets = re.findall(r"Cap(\w+):\s+(\w+)", seen)
    assert len(sets) == 2 * 5
    assert {held for _, held in sets} == {"0" * 16}


@pytest.mark.parametrize(
    "command",
    [
        "mount -t tmpfs none /tmp",
        "mount -o remount,rw /proc/sys",
        "umount /proc/keys",
        "chroot / true",
        "mknod /tmp/disk b 8 0",
        "ping -c 1 -W 1 127.0.0.1",
        "arping -c 1 -I lo 127.0.0.1",
        "ip link set lo down",
        "hostname another",
        "adjtimex -t 10001",
        "chown 1:1 /tmp",
        "renice -n -5 1",
        "sh -c 'ulimit -Hc unlimited'",
        "dmesg",
        "nsenter -t 1 -m true",
        "pivot_root . .",
        "unshare -m true",
    ],
)
async def test_root_can_do_nothing_that_takes_a_capability(
    bench: Bench, command: str
) -> None:
    outcome = await bench.run(f"{command} 2>&1")

    assert outcome.exit_code != 0
    said = bench.record.output.lower()
    assert re.search(rb"permitted|permission denied|must be root", said), said


async def test_a_user_namespace_gives_no_capability(bench: Bench) -> None:
    outcome = await bench.run("unshare -U -r mount -t tmpfs none /tmp 2>&1")

    assert outcome.exit_code != 0
    assert b"not permitted" in bench.record.output


async def test_a_setuid_program_of_root_makes_nobody_root(bench: Bench) -> None:
    image, as_root = image_with_setuid_su(), "/bin/su -c 'id -u'"
    client = connect(engine_address())
    try:
        free = client.containers.run(image, ["sh", "-c", as_root], remove=True)
    finally:
        client.close()

    outcome = await bench.run(f"{as_root} 2>&1", image=image)

    assert free == b"0\n"  # what it would do without the promise
    assert outcome.exit_code != 0
    assert bench.record.output == b"su: must be suid to work properly\n"


async def test_no_new_privileges_and_a_seccomp_filter_are_in_force(
    bench: Bench,
) -> None:
    seen = await printed(bench, "grep -E '^(NoNewPrivs|Seccomp):' /proc/self/status")

    assert seen.split() == ["NoNewPrivs:", "1", "Seccomp:", "2"]


async def test_a_fork_bomb_ends_and_the_bot_does_not(tmp_path: Path) -> None:
    limits = Limits(pids=48, run_timeout=timedelta(seconds=4))
    async with a_docker_bot(tmp_path, a_real_stack(limits=limits)) as bot:
        seen = await told(bot, "bomb() { bomb | bomb; bomb & bomb; }; bomb")
        after = await told(bot, "echo alive")

        assert seen.run.state is RunState.FAILED
        assert seen.run.reason in (Reason.EXIT_CODE, Reason.TIMEOUT)
        assert b"can't fork" in seen.output
        assert (after.run.state, after.output) == (RunState.FINISHED, b"alive\n")


async def test_pids_count_for_all_that_runs_in_the_container(bench: Bench) -> None:
    command = "for n in $(seq 100); do sleep 30 & done; ls -d /proc/[0-9]* | wc -l"

    seen = await printed(bench, command, limits=Limits(pids=20))

    assert "can't fork" in seen


async def test_memory_cannot_be_had_as_files_in_memory(bench: Bench) -> None:
    command = "head -c 60000000 /dev/zero > /dev/shm/hoard; echo hoarded"

    outcome = await bench.run(command, limits=Limits(memory=24 << 20))

    assert outcome.ending is Ending.OUT_OF_MEMORY
    assert b"hoarded" not in bench.record.output


async def test_there_is_no_swap_beside_the_memory(bench: Bench) -> None:
    limit = "/sys/fs/cgroup/memory/memory.memsw.limit_in_bytes"
    newer = "/sys/fs/cgroup/memory.swap.max"
    command = f"cat {limit} 2>/dev/null || cat {newer} 2>/dev/null || echo none"

    seen = await printed(bench, command, limits=Limits(memory=64 << 20))

    assert seen.strip() in (str(64 << 20), "0", "none")


async def test_there_is_no_socket_of_an_engine_or_of_anybody(bench: Bench) -> None:
    seen = await printed(bench, "find / -type s 2>/dev/null; tail -n +2 /proc/net/unix")

    assert seen == ""


async def test_nothing_of_the_host_is_mounted(bench: Bench) -> None:
    token = WorkspaceFile(path="token", content=b"hunter2hunter2")

    seen = await printed(bench, "cat /proc/self/mountinfo", files=(token,))

    mounts = [mount_of(line) for line in seen.splitlines()]
    assert ("/mnt/secrets", "tmpfs") in mounts
    assert {at for at, kind in mounts if kind not in OF_ITS_OWN} == {
        *("/", "/mnt/workspace"),  # the engine's own places for this container
        *("/etc/resolv.conf", "/etc/hostname", "/etc/hosts"),  # made for it
        "/sbin/docker-init",  # the engine's init, which is no secret
    }


def mount_of(line: str) -> tuple[str, str]:
    """Return where a line of mountinfo mounts a file system, and of which type."""
    before, _, after = line.partition(" - ")
    return before.split()[4], after.split()[0]


async def test_other_processes_than_its_own_are_not_seen(bench: Bench) -> None:
    seen = await printed(bench, "cat /proc/[0-9]*/cmdline | tr '\\0' '\\n'")

    assert "dockerd" not in seen
    assert "pytest" not in seen


async def test_devices_are_the_harmless_ones(bench: Bench) -> None:
    seen = await printed(bench, "ls /dev; find /dev -type b")

    assert set(seen.split()) <= DEVICES


@pytest.mark.parametrize(
    "path",
    [
        "/proc/sys/kernel/core_pattern",
        "/proc/sysrq-trigger",
        "/proc/irq/default_smp_affinity",
        "/sys/kernel/profiling",
        "/sys/fs/cgroup/cgroup.procs",
        "/sys/fs/cgroup/memory/memory.limit_in_bytes",
        "/sys/fs/cgroup/pids/cgroup.procs",
    ],
)
async def test_the_kernels_settings_cannot_be_written(bench: Bench, path: str) -> None:
    outcome = await bench.run(f"echo 1 2>&1 > {path}")

    assert outcome.exit_code != 0


@pytest.mark.parametrize("path", ["/proc/kcore", "/proc/keys", "/proc/timer_list"])
async def test_what_tells_of_the_host_is_empty(bench: Bench, path: str) -> None:
    seen = await printed(bench, f"head -c 16 {path} 2>/dev/null; ls /sys/firmware")

    assert seen == ""


async def test_standard_input_is_closed_from_the_first_hook_on(bench: Bench) -> None:
    read = "read -r line; echo read $?"

    seen = await printed(
        bench, read, initializing=(read,), before_perform=(read,), after_run=(read,)
    )

    assert seen == "read 1\n" * 4


async def test_without_a_network_nothing_is_reached(bench: Bench) -> None:
    links = "ip -o link | cut -d: -f2"
    tries = "for to in 1.1.1.1 172.17.0.1; do nc -w 2 $to 80 </dev/null; echo $?; done"

    seen = await printed(bench, f"{links}; {tries} 2>&1", network="none")

    assert seen.split("\n")[0].strip() == "lo"
    assert seen.count("unreachable") == 2


async def test_no_core_is_left_of_what_crashes(bench: Bench) -> None:
    seen = await printed(bench, "ulimit -Sc; ulimit -Hc; ulimit -Hc 1 2>&1 || echo no")

    assert seen.split("\n")[:2] == ["0", "0"]
    assert seen.endswith("no\n")


async def test_a_run_that_falls_silent_is_ended(tmp_path: Path) -> None:
    limits = Limits(silence_timeout=timedelta(seconds=2))
    async with a_docker_bot(tmp_path, a_real_stack(limits=limits)) as bot:
        seen = await told(bot, "echo busy; sleep 60")

        assert seen.run.reason is Reason.SILENCE
        assert seen.output == b"busy\n"


async def test_output_beyond_its_limit_is_not_kept_and_the_run_goes_on(
    tmp_path: Path,
) -> None:
    limits = Limits(output=1 << 20)
    async with a_docker_bot(tmp_path, a_real_stack(limits=limits)) as bot:
        seen = await told(bot, "head -c 9000000 /dev/zero | tr '\\000' x; exit 7")

        assert (seen.run.reason, seen.run.exit_code) == (Reason.EXIT_CODE, 7)
        assert set(seen.output) == {ord("x")}
        assert 0 < len(seen.output) <= 1 << 20
        await bot.tells(seen.ts, "The output passed 1 MB. What follows is not kept")


async def test_the_container_is_made_of_the_digest_not_of_the_tag(
    bench: Bench, tmp_path: Path
) -> None:
    name = f"handrail-test-{bench.installation}:latest"
    client = connect(engine_address())
    try:
        first = client.images.get(busybox_image())
        second = client.images.get(image_with_setuid_su())
        first.tag(name)
        digest = await bench.engine.resolve(name)
        second.tag(name)  # somebody moves it meanwhile
        archive = tmp_path / "empty.tar"
        archive.write_bytes(b"\0" * 10240)

        job = bench.job("true", image=name)
        container = await bench.engine.create(job, digest, archive)
        made_of = client.api.inspect_container(container.id)["Image"]
        await container.remove()

        assert made_of == first.id != second.id
    finally:
        client.images.remove(name)
        client.close()
