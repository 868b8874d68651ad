import json
import signal
import socketserver
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from threading import Event, Thread
from time import monotonic
from typing import NamedTuple

import docker
import pytest
from docker.errors import NotFound
from docker.models.containers import Container

from runner.docker.address import connect
from runner.docker.aside import KILL, aside
from runner.engine import Aside
from runner.errors import ContainerLost, EngineUnavailable
from tests.support.docker import busybox_image, engine_address

#: More than any script takes that is not meant to be cut off.
AMPLE = timedelta(seconds=60)
SHORT = timedelta(seconds=1)


class Beside(NamedTuple):
    """A container that prints one line and waits, and what runs beside it."""

    api: docker.APIClient
    container: Container

    def __call__(
        self, script: str, *, within: timedelta = AMPLE, most: int = 1 << 20
    ) -> Aside:
        name = str(self.container.id)
        return aside(self.api, name, script, within=within, most=most)

    def ends(self, command: str) -> bool:
        """Whether no process of *command* is left, after a while at most."""
        looking = f"while ps -o args | grep -qx '{command}'; do sleep 0.1; done"
        return self(looking, within=timedelta(seconds=5)).code == 0


@pytest.fixture
def beside() -> Iterator[Beside]:
    client = connect(engine_address())
    container = client.containers.run(
        busybox_image(),
        ["/bin/sh", "-c", "echo said by itself; read line"],
        entrypoint=[],
        stdin_open=True,
        detach=True,
        init=True,
        network_mode="none",
    )
    try:
        yield Beside(client.api, container)
    finally:
        with suppress(NotFound):
            container.remove(v=True, force=True)
        client.close()


def test_a_script_has_its_code_and_its_output(beside: Beside) -> None:
    assert beside("echo seen; echo lost >&2; exit 7") == Aside(code=7, output=b"seen\n")
    assert beside("cat; printf '\\001\\377'") == Aside(code=0, output=b"\1\xff")
    assert beside("if").code not in {0, None}


def test_large_output_comes_to_the_byte(beside: Beside) -> None:
    assert beside("yes 0123456 | head -c 1000000", most=1_000_000) == Aside(
        code=0, output=b"0123456\n" * 125_000
    )


def test_nothing_of_it_is_in_the_log_of_the_container(beside: Beside) -> None:
    beside("echo canary; echo canary >&2")

    assert beside.container.logs() == b"said by itself\n"


def test_a_script_that_takes_too_long_is_killed_with_what_it_started(
    beside: Beside,
) -> None:
    start = monotonic()

    seen = beside("echo begun; sleep 1111 & sleep 1111", within=SHORT)

    assert seen == Aside(code=None, output=b"begun\n")
    assert monotonic() - start < 5
    assert beside.ends("sleep 1111")


def test_all_in_the_session_of_a_process_is_killed() -> None:
    script = "import os; os.setpgid(0, 0); print(os.getpid()); os.read(0, 1)"
    child = f"{sys.executable} -c '{script}'"
    with subprocess.Popen(
        ["sh", "-c", f"{child}; true"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,
    ) as process:
        assert process.stdout
        assert process.stdout.readline()

        subprocess.run(["sh", "-c", KILL, "kill", str(process.pid)], check=False)

        assert process.stdout.read() == b""
        assert process.wait() == -signal.SIGKILL


def test_a_script_that_prints_too_much_is_killed_at_once(beside: Beside) -> None:
    start = monotonic()

    seen = beside("yes & sleep 3333", most=100_000)

    assert seen == Aside(code=None, output=b"y\n" * 50_000)
    assert monotonic() - start < AMPLE.total_seconds() / 2
    assert beside.ends("sleep 3333")


def test_a_script_that_prints_slowly_has_no_more_time(beside: Beside) -> None:
    start = monotonic()

    seen = beside("while sleep 0.1; do echo; done", within=SHORT)

    assert seen.code is None
    assert monotonic() - start < 5


def test_what_fled_from_a_script_does_not_hold_it_open(beside: Beside) -> None:
    start = monotonic()

    seen = beside("setsid sleep 4444 & sleep 0.1", within=SHORT)

    assert seen == Aside(code=None, output=b"")
    assert monotonic() - start < 5


def test_a_script_that_closes_its_output_counts_until_it_ends(beside: Beside) -> None:
    assert beside("exec >&-; sleep 0.3; exit 3") == Aside(code=3, output=b"")
    assert beside("exec >&-; sleep 5555", within=SHORT).code is None
    assert beside.ends("sleep 5555")


def test_a_container_that_is_not_there_is_lost(beside: Beside) -> None:
    beside.container.remove(force=True)

    with pytest.raises(ContainerLost):
        beside("true")


def test_a_container_that_has_ended_runs_nothing(beside: Beside) -> None:
    beside.container.kill()

    with pytest.raises(EngineUnavailable, match="could not run a script beside"):
        beside("true")


class Stuck(BaseHTTPRequestHandler):
    """An engine whose script has printed its number, and nothing ends it."""

    server: "StuckEngine"

    def do_GET(self) -> None:
        self._answer({"ApiVersion": "1.41", "Running": True})

    def do_POST(self) -> None:
        length = int(self.headers["Content-Length"])
        wanted = json.loads(self.rfile.read(length))
        if wanted.get("Detach") is not False:
            self._answer({"Id": "an-exec"})
            return
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"\1\0\0\0\0\0\0\2" + b"7\n")
        self.server.released.wait()

    def _answer(self, found: object) -> None:
        body = json.dumps(found).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def address_string(self) -> str:
        return "a client"

    def log_message(self, *args: object) -> None:
        pass


class StuckEngine(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True

    def __init__(self, path: Path) -> None:
        super().__init__(str(path), Stuck)
        self.released = Event()


@pytest.fixture
def stuck(tmp_path: Path) -> Iterator[docker.APIClient]:
    path = tmp_path / "stuck.sock"
    with StuckEngine(path) as server:
        thread = Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        client = docker.APIClient(f"unix://{path}", version="1.41")
        yield client
        client.close()
        server.released.set()
        server.shutdown()
        thread.join()


def test_an_engine_that_cannot_end_a_script_is_not_waited_for(
    stuck: docker.APIClient,
) -> None:
    start = monotonic()

    seen = aside(stuck, "c", "true", within=timedelta(seconds=0.3), most=10)

    assert seen == Aside(code=None, output=b"")
    assert monotonic() - start < 4
