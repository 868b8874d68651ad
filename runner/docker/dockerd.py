"""A dockerd of Handrail's own: where it lives, how it starts and stops."""

import os
import shutil
import signal
import time
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final, Self

from runner.docker.address import own_engine, run_dir, why_silent
from runner.errors import EngineUnavailable

SYSTEM_PATH: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
START_LIMIT: Final = 60.0  #: seconds
STOP_LIMIT: Final = 60.0  #: seconds; dockerd gives containers 10 s of them
PAUSE: Final = 0.1  #: seconds between two looks
LOG_TAIL: Final = 2000  #: characters shown of a log when a start fails


class Network(StrEnum):
    """How much of a network an engine gives its containers."""

    FILTERED = "bridges filtered by iptables"
    LEGACY = "bridges filtered by legacy iptables"
    ISOLATED = "no bridge"


class NetworkRefused(EngineUnavailable):
    """The machine cannot give dockerd the network that it was started with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dockerd:
    """The places of one engine."""

    data_dir: Path
    root: Path
    run: Path

    @classmethod
    def under(cls, data_dir: Path) -> Self:
        """Return the engine of a data directory."""
        data_dir = data_dir.resolve()
        return cls(data_dir=data_dir, root=data_dir / "engine", run=run_dir(data_dir))

    @property
    def log(self) -> Path:
        """Where dockerd tells what it does."""
        return self.root / "dockerd.log"

    @property
    def pid_file(self) -> Path:
        """Where dockerd's process id stands while it runs."""
        return self.root / "dockerd.pid"

    def command(self, network: Network) -> list[str]:
        """Return the arguments that dockerd is started with."""
        command = [
            "dockerd",
            f"--host=unix://{self.run / 'docker.sock'}",
            f"--data-root={self.root / 'data'}",
            f"--exec-root={self.run / 'exec'}",
            f"--pidfile={self.pid_file}",
        ]
        if network is Network.ISOLATED:
            command += ["--iptables=false", "--ip-forward=false", "--bridge=none"]
        return command

    def pid(self) -> int | None:
        """Return the id of this engine's process while it runs."""
        pid = _read_pid(self.pid_file)
        mine = f"--data-root={self.root / 'data'}"
        return pid if pid and mine in _arguments(pid) else None

    def start(self, network: Network) -> None:
        """Start dockerd in a session of its own and wait until it answers."""
        self._refuse_if_it_hangs()
        self.root.mkdir(parents=True, exist_ok=True)
        self.run.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._forget_the_dead()
        child = self._spawn(network)
        try:
            self._await_answer(child)
        except EngineUnavailable:
            _end(child)
            raise

    def stop(self) -> bool:
        """Stop this engine and its containers; return False when none runs."""
        pid = self.pid()
        if pid is None:
            return False
        os.kill(pid, signal.SIGTERM)
        deadline = time.monotonic() + STOP_LIMIT
        while self.pid() == pid:
            if time.monotonic() > deadline:
                raise EngineUnavailable(
                    f"dockerd (process {pid}) has not stopped within "
                    f"{STOP_LIMIT:.0f} s; {self.log} says what it waits for."
                )
            time.sleep(PAUSE)
        return True

    def _refuse_if_it_hangs(self) -> None:
        pid = self.pid()
        if pid is not None:
            raise EngineUnavailable(
                f"dockerd (process {pid}) runs and does not answer. Stop it with "
                f"handrail engine down; {self.log} may say what it waits for."
            )

    def _spawn(self, network: Network) -> int:
        command = self.command(network)
        dockerd = shutil.which(command[0], path=SYSTEM_PATH) or command[0]
        writing = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
        return os.posix_spawn(
            dockerd,
            command,
            self._environment(network),
            setsid=True,
            file_actions=[
                (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
                (os.POSIX_SPAWN_OPEN, 1, str(self.log), writing, 0o640),
                (os.POSIX_SPAWN_DUP2, 1, 2),
            ],
        )

    def _environment(self, network: Network) -> dict[str, str]:
        # Nothing else is handed on: the caller's environment may hold secrets
        # that dockerd has no use for, and dockerd outlives the caller.
        path = SYSTEM_PATH
        if network is Network.LEGACY:
            path = f"{self._legacy_tools()}:{path}"
        proxies = {k: v for k, v in os.environ.items() if k.lower().endswith("_proxy")}
        return {"PATH": path, "HOME": "/root"} | proxies

    def _legacy_tools(self) -> Path:
        tools = self.root / "legacy-iptables"
        tools.mkdir(exist_ok=True)
        for name in ("iptables", "ip6tables"):
            link, target = (
                tools / name,
                shutil.which(f"{name}-legacy", path=SYSTEM_PATH),
            )
            if target and not link.is_symlink():
                link.symlink_to(target)
        return tools

    def _forget_the_dead(self) -> None:
        """Remove process ids that a crash or a reboot left behind.

        dockerd refuses to start, or waits for a containerd that is none, when
        such an id belongs to some other process by now.
        """
        self.pid_file.unlink(missing_ok=True)
        containerd = self.run / "exec/containerd/containerd.pid"
        pid = _read_pid(containerd)
        if pid and not any("containerd" in word for word in _arguments(pid)[:1]):
            containerd.unlink()

    def _await_answer(self, child: int) -> None:
        address = own_engine(self.data_dir)
        deadline = time.monotonic() + START_LIMIT
        while why_silent(address) is not None:
            if os.waitpid(child, os.WNOHANG) != (0, 0):
                raise self._failure("dockerd ended while it started")
            if time.monotonic() > deadline:
                raise self._failure(f"dockerd is silent after {START_LIMIT:.0f} s")
            time.sleep(PAUSE)

    def _failure(self, what: str) -> EngineUnavailable:
        tail = self.log.read_text(errors="replace")[-LOG_TAIL:].strip()
        kind = NetworkRefused if "network controller" in tail else EngineUnavailable
        return kind(
            f"{what}. Start Docker yourself and set DOCKER_HOST to its address, or "
            f"mend what the end of {self.log} tells:\n{tail}"
        )


def _read_pid(file: Path) -> int | None:
    try:
        return int(file.read_text())
    except (OSError, ValueError):
        return None


def _arguments(pid: int) -> list[str]:
    """Return the command line of a process: empty when it is gone."""
    try:
        line = Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return []
    return line.decode(errors="replace").rstrip("\0").split("\0")


def _end(child: int) -> None:
    try:
        os.kill(child, signal.SIGTERM)
        os.waitpid(child, 0)
    except (ChildProcessError, ProcessLookupError):
        return
