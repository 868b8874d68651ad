"""A dockerd of the script's own, which may be killed: its containers live on."""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import mkdtemp
from typing import Final

from runner.docker.address import EngineAddress, connect, why_silent
from runner.docker.rootfs import ensure_sample_image

_START_SECONDS: Final = 60
_STOP_SECONDS: Final = 30
_LOOK_SECONDS: Final = 0.1


@dataclass(kw_only=True)
class OwnEngine:
    """One engine, in a network of its own and with its own data."""

    folder: Path
    network: str
    live_restore: bool = True  #: whether its containers go on without it
    _process: subprocess.Popen[bytes] | None = field(default=None, init=False)

    @property
    def address(self) -> EngineAddress:
        """Return where it answers."""
        return EngineAddress(url=f"unix://{self.folder}/docker.sock", origin="a bench")

    def start(self) -> None:
        """Start it, and wait until it answers."""
        (self.folder / "dockerd.pid").unlink(missing_ok=True)
        self._forget_dead_containerd()
        with (self.folder / "dockerd.log").open("ab") as log:
            self._process = subprocess.Popen(
                self._command(), stdout=log, stderr=log, start_new_session=True
            )
        deadline = time.monotonic() + _START_SECONDS
        while why_silent(self.address) is not None:
            if self._process.poll() is not None or time.monotonic() > deadline:
                told = (self.folder / "dockerd.log").read_text(errors="replace")
                raise RuntimeError(f"dockerd does not answer: {told[-2000:]}")
            time.sleep(_LOOK_SECONDS)

    def end(self, how: signal.Signals) -> None:
        """End it as *how* does; containers go on."""
        assert self._process is not None
        self._process.send_signal(how)
        try:
            self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def image(self) -> str:
        """Return an image with busybox and nothing else."""
        client = connect(self.address)
        try:
            return ensure_sample_image(client, lambda _: None, sources=()).reference
        finally:
            client.close()

    def containers(self) -> list[str]:
        """Return the names of all containers there are, running or not."""
        client = connect(self.address)
        try:
            return [str(one.name) for one in client.containers.list(all=True)]
        finally:
            client.close()

    def files(self, name: str) -> dict[str, str]:
        """Return the text of the file *name* in each volume that has one."""
        found = (self.folder / "data" / "volumes").glob(f"*/_data/{name}")
        return {path.parent.parent.name: path.read_text() for path in found}

    def clear_away(self) -> None:
        """Remove every container, and end what dockerd leaves running."""
        if why_silent(self.address) is not None:
            self.start()
        client = connect(self.address)
        try:
            for container in client.containers.list(all=True):
                container.remove(v=True, force=True)
        finally:
            client.close()
        self.end(signal.SIGTERM)
        with suppress(OSError, ValueError):
            os.kill(int(self._containerd.read_text()), signal.SIGTERM)

    @property
    def _containerd(self) -> Path:
        return self.folder / "exec" / "containerd" / "containerd.pid"

    def _forget_dead_containerd(self) -> None:
        # It dies with a dockerd that is killed; the next one would wait for it as
        # long as nobody has taken note of its death.
        with suppress(OSError, ValueError):
            pid = int(self._containerd.read_text())
            if not Path(f"/proc/{pid}/cmdline").read_bytes():
                self._containerd.unlink()

    def _command(self) -> list[str]:
        # Another dockerd with no bridge in the same network would take docker0 away
        # from that one.
        return [
            *("nsenter", f"--net=/run/netns/{self.network}", "dockerd"),
            f"--host=unix://{self.folder}/docker.sock",
            f"--data-root={self.folder}/data",
            f"--exec-root={self.folder}/exec",
            f"--pidfile={self.folder}/dockerd.pid",
            f"--live-restore={'true' if self.live_restore else 'false'}",
            *("--bridge=none", "--iptables=false", "--ip-forward=false"),
        ]


@contextmanager
def own_engine(*, live_restore: bool = True) -> Iterator[OwnEngine]:
    """Run an engine while the body runs; nothing is left of it."""
    folder = Path(mkdtemp(prefix="hr-bench-"))
    network = folder.name
    subprocess.run(["ip", "netns", "add", network], check=True)
    engine = OwnEngine(folder=folder, network=network, live_restore=live_restore)
    try:
        engine.start()
        try:
            yield engine
        finally:
            engine.clear_away()
    finally:
        subprocess.run(["ip", "netns", "delete", network], check=False)
        # dockerd mounts its data on itself, and leaves that behind.
        subprocess.run(["umount", "--lazy", "--quiet", folder / "data"], check=False)
        shutil.rmtree(folder, ignore_errors=True)
