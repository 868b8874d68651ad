"""Make sure that a Docker-API engine answers, and stop one that was started."""

import fcntl
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from runner.docker.address import (
    DEFAULT_SOCKET,
    EngineAddress,
    connect,
    default_data_dir,
    find_engine,
    own_engine,
)
from runner.docker.dockerd import (
    PAUSE,
    START_LIMIT,
    SYSTEM_PATH,
    Dockerd,
    Network,
    NetworkRefused,
)
from runner.errors import EngineUnavailable

__all__ = [
    "EngineAddress",
    "connect",
    "default_data_dir",
    "engine_down",
    "engine_up",
    "find_engine",
]

Tell = Callable[[str], None]

INSTALL_LIMIT: Final = 600.0  #: seconds for one apt-get
PROBE_LIMIT: Final = 15.0  #: seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """What decides whether an engine can be installed and started here."""

    linux: bool
    root: bool
    tools: frozenset[str]
    default_socket: bool = False

    @classmethod
    def this(cls) -> Self:
        """Look at the machine that this runs on."""
        wanted = ("apt-get", "dockerd", "iptables")
        return cls(
            linux=sys.platform == "linux",
            root=os.geteuid() == 0,
            tools=frozenset(t for t in wanted if shutil.which(t, path=SYSTEM_PATH)),
            default_socket=DEFAULT_SOCKET.exists(),
        )


def engine_up(
    tell: Tell, data_dir: Path, environ: Mapping[str, str] = os.environ
) -> EngineAddress:
    """Return an engine that answers, installing and starting one only if none does.

    Several processes may call it at once: one of them does the work.
    """
    found = find_engine(environ, data_dir)
    if found is None:
        packages_to_install(Machine.this())
        with _only_one(data_dir / "engine"):
            found = find_engine(environ, data_dir) or _bring_up(tell, data_dir, environ)
    tell(f"The engine at {found.url} answers ({found.origin}).")
    return found


def engine_down(data_dir: Path) -> bool:
    """Stop the engine that Handrail started; return False when there is none."""
    if not (data_dir / "engine").is_dir():
        return False
    with _only_one(data_dir / "engine"):
        return Dockerd.under(data_dir).stop()


def packages_to_install(machine: Machine) -> tuple[str, ...]:
    """Decide what an engine needs on *machine*; refuse with what to do instead."""
    if not machine.linux:
        raise EngineUnavailable(
            "No container engine answers. Start Docker Desktop, colima or a Podman "
            "machine, or set DOCKER_HOST to the address of an engine."
        )
    if not machine.root:
        raise EngineUnavailable(_for_a_plain_user(machine))
    if "dockerd" not in machine.tools and "apt-get" not in machine.tools:
        raise EngineUnavailable(
            "No container engine answers, and there is no apt-get to install one "
            "with. Install Docker as your distribution does it and start it, or set "
            "DOCKER_HOST to the address of an engine."
        )
    needed = {"dockerd": "docker.io", "iptables": "iptables"}
    missing = (package for tool, package in needed.items() if tool not in machine.tools)
    return tuple(missing) if "apt-get" in machine.tools else ()


def networks_to_try(works: Callable[[str], bool]) -> list[Network]:
    """Return how to start dockerd, best first; *works* tries an iptables program."""
    if works("iptables"):
        return [Network.FILTERED, Network.ISOLATED]
    if works("iptables-legacy"):
        return [Network.LEGACY, Network.ISOLATED]
    return [Network.ISOLATED]


def start_engine(tell: Tell, data_dir: Path) -> EngineAddress:
    """Start an installed dockerd with all its files under *data_dir*."""
    dockerd = Dockerd.under(data_dir)
    networks = networks_to_try(_iptables_works)
    tell(f"Starting dockerd with its files in {dockerd.root} (log: {dockerd.log}).")
    for network in networks:
        if network is Network.ISOLATED:
            tell("iptables does not work here: containers will have no network.")
        try:
            dockerd.start(network)
        except NetworkRefused:
            if network is networks[-1]:
                raise
        else:
            break
    return own_engine(data_dir)


def _for_a_plain_user(machine: Machine) -> str:
    if machine.default_socket:
        return (
            f"{DEFAULT_SOCKET} is there but does not answer this user. Start Docker "
            "(sudo systemctl start docker) and join its group (sudo usermod -aG "
            "docker $USER, then log in again), or set DOCKER_HOST to the address of "
            "an engine."
        )
    return (
        "No container engine answers. Install Docker or Podman and start it, set "
        "DOCKER_HOST to the address of an engine, or run handrail engine up as root "
        "where apt-get exists, which installs and starts Debian's docker.io."
    )


def _bring_up(tell: Tell, data_dir: Path, environ: Mapping[str, str]) -> EngineAddress:
    packages = packages_to_install(Machine.this())
    if packages:
        tell(f"No container engine answers: installing {' and '.join(packages)}.")
        _apt_get("update")
        _apt_get("install", "-y", "--no-install-recommends", *packages)
        started = _started_by_installing(environ)
        if started is not None:
            return started
    return start_engine(tell, data_dir)


def _apt_get(*arguments: str) -> None:
    command = ["apt-get", "-q", "-o", "DPkg::Lock::Timeout=120", *arguments]
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    try:
        done = subprocess.run(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=INSTALL_LIMIT,
            check=False,
        )
    except subprocess.TimeoutExpired as exc:
        raise EngineUnavailable(
            f"{' '.join(command)} has not ended within {INSTALL_LIMIT:.0f} s. Install "
            "docker.io and iptables yourself, then try again."
        ) from exc
    if done.returncode != 0:
        raise EngineUnavailable(
            f"{' '.join(command)} failed. Install docker.io and iptables yourself, "
            f"then try again. It said:\n{done.stdout[-1000:].strip()}"
        )


def _started_by_installing(environ: Mapping[str, str]) -> EngineAddress | None:
    """Wait for the engine of a machine whose init system starts what is installed."""
    if not any(map(Path.exists, (Path("/run/systemd/system"), DEFAULT_SOCKET))):
        return None
    deadline = time.monotonic() + START_LIMIT / 3
    while time.monotonic() < deadline:
        found = find_engine(environ)
        if found is not None:
            return found
        time.sleep(PAUSE)
    return None


def _iptables_works(program: str) -> bool:
    path = shutil.which(program, path=SYSTEM_PATH)
    if path is None:
        return False
    try:
        done = subprocess.run(
            [path, "--wait", "5", "-t", "nat", "-S"],
            capture_output=True,
            timeout=PROBE_LIMIT,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0


@contextmanager
def _only_one(folder: Path) -> Iterator[None]:
    """Hold the lock of an own engine: released however its holder ends."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
