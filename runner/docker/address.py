"""Where a Docker-API engine may answer, and which one does."""

import hashlib
import json
import os
import socket
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import docker
from docker.errors import DockerException

from runner.errors import EngineUnavailable

DEFAULT_SOCKET: Final = Path("/var/run/docker.sock")
PING_TIMEOUT: Final = 5  #: seconds
SOCKET_LIMIT: Final = 104  #: bytes of a socket's path


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineAddress:
    """An engine's address, with where it was found in words."""

    url: str
    origin: str
    cert_path: str = ""
    tls_verify: bool = False

    @property
    def environment(self) -> dict[str, str]:
        """Return the variables by which Docker's own tools reach this engine."""
        tls = {
            "DOCKER_CERT_PATH": self.cert_path,
            "DOCKER_TLS_VERIFY": "1" if self.tls_verify else "",
        }
        return {"DOCKER_HOST": self.url} | {k: v for k, v in tls.items() if v}


def connect(
    address: EngineAddress, *, timeout: int = 60, max_pool_size: int = 10
) -> docker.DockerClient:
    """Open a client; the caller closes it."""
    return docker.DockerClient.from_env(
        timeout=timeout,
        max_pool_size=max_pool_size,
        environment=address.environment,
        use_ssh_client=address.url.startswith("ssh://"),
    )


def why_silent(address: EngineAddress) -> str | None:
    """Ping the engine; return None when it answers, else why it does not."""
    try:
        _knock(address)
        client = connect(address, timeout=PING_TIMEOUT)
        try:
            client.ping()
        finally:
            client.close()
    except (DockerException, OSError) as exc:
        return str(exc)
    return None


def find_engine(
    environ: Mapping[str, str], data_dir: Path | None = None
) -> EngineAddress | None:
    """Return the first engine that answers, one that Handrail started last.

    That one is looked for under *data_dir*, or where it stands by default. An
    engine named by `DOCKER_HOST` is the only one asked: a command must never run
    on another engine than the one its user chose.
    """
    named = named_engine(environ)
    if named is None:
        return first_that_answers(usual_places(environ, data_dir))
    reason = why_silent(named)
    if reason is not None:
        raise EngineUnavailable(
            f"The engine that DOCKER_HOST names ({named.url}) does not answer: "
            f"{reason}. Start it, or unset DOCKER_HOST so that another is looked for."
        )
    return named


def first_that_answers(places: Iterable[EngineAddress]) -> EngineAddress | None:
    """Return the first engine that answers a ping."""
    return next((place for place in places if why_silent(place) is None), None)


def default_data_dir(environ: Mapping[str, str]) -> Path:
    """Return where Handrail keeps its files unless it is told otherwise."""
    if environ.get("HANDRAIL_DATA_DIR"):
        return Path(environ["HANDRAIL_DATA_DIR"])
    if os.geteuid() == 0:
        return Path("/var/lib/handrail")
    share = environ.get("XDG_DATA_HOME") or _home(environ) / ".local/share"
    return Path(share) / "handrail"


def named_engine(environ: Mapping[str, str]) -> EngineAddress | None:
    """Return the engine that the environment names, answering or not."""
    url = environ.get("DOCKER_HOST", "")
    if not url:
        return None
    return EngineAddress(
        url=url,
        origin="DOCKER_HOST",
        cert_path=environ.get("DOCKER_CERT_PATH", ""),
        tls_verify=bool(environ.get("DOCKER_TLS_VERIFY")),
    )


def usual_places(
    environ: Mapping[str, str], data_dir: Path | None = None
) -> Iterator[EngineAddress]:
    """Yield where an engine may answer on this machine, best known first."""
    home = _home(environ)
    yield _at(DEFAULT_SOCKET, "the default socket")
    context = _local_context(Path(environ.get("DOCKER_CONFIG", home / ".docker")))
    if context is not None:
        yield context
    yield _at(Path("/run/podman/podman.sock"), "Podman's socket")
    if environ.get("XDG_RUNTIME_DIR"):
        user_run = Path(environ["XDG_RUNTIME_DIR"])
        yield _at(user_run / "docker.sock", "rootless Docker's socket")
        yield _at(user_run / "podman/podman.sock", "the user's Podman socket")
    yield _at(home / ".docker/run/docker.sock", "Docker Desktop's socket")
    yield _at(home / ".colima/default/docker.sock", "colima's socket")
    yield own_engine(data_dir or default_data_dir(environ))


def own_engine(data_dir: Path) -> EngineAddress:
    """Return where an engine started by Handrail itself answers."""
    return _at(run_dir(data_dir) / "docker.sock", "started by Handrail")


def run_dir(data_dir: Path) -> Path:
    """Return the folder of an own engine's sockets, short enough to be bound.

    A Unix socket's path has at most 107 bytes (unix(7)), and containerd, whose
    path is the longest that dockerd binds, takes no more than 104.
    """
    wanted = data_dir.resolve() / "engine"
    longest = bytes(wanted / "exec/containerd/containerd-debug.sock")
    if len(longest) <= SOCKET_LIMIT:
        return wanted
    return Path("/run") / f"handrail-{hashlib.sha256(longest).hexdigest()[:12]}"


def _knock(address: EngineAddress) -> None:
    """Connect once: the SDK would leave a socket open where nobody listens."""
    if address.url.startswith("unix://"):
        with socket.socket(socket.AF_UNIX) as knocking:
            knocking.settimeout(PING_TIMEOUT)
            knocking.connect(address.url.removeprefix("unix://"))


def _home(environ: Mapping[str, str]) -> Path:
    return Path(environ.get("HOME") or "/root")


def _at(path: Path, origin: str) -> EngineAddress:
    return EngineAddress(url=f"unix://{path}", origin=origin)


def _local_context(config_dir: Path) -> EngineAddress | None:
    """Read the docker CLI's current context, when it is on this machine.

    A context may also name a remote engine; running commands there takes an
    explicit DOCKER_HOST.
    """
    try:
        config = json.loads((config_dir / "config.json").read_bytes())
        name = str(config["currentContext"])
        folder = hashlib.sha256(name.encode()).hexdigest()
        meta = config_dir / "contexts/meta" / folder / "meta.json"
        url = str(json.loads(meta.read_bytes())["Endpoints"]["docker"]["Host"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
    if not url.startswith("unix://"):
        return None
    return EngineAddress(url=url, origin=f"the docker context {name}")
