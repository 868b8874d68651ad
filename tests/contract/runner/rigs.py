"""Every engine, made ready to run the same texts."""

from collections.abc import Callable, Mapping
from typing import Protocol

from runner.engine import Engine
from runner.scripted import ScriptedEngine
from tests.support.docker import busybox_image, run_in

#: Prints one part, waits to be released, prints the other.
WAITING = "echo first; until [ -e /tmp/go ]; do sleep 0.05; done; echo second"


#: Prints, and ends only when it is interrupted.
BUSY = "sh -c 'echo busy; exec sleep 60'"


#: Leaves two files in the workspace, one of them after it was released.
LEAVING = (
    "echo first >/mnt/workspace/first.plan; echo waits; "
    "until [ -e /tmp/go ]; do sleep 0.05; done; echo second >/mnt/workspace/second.plan"
)

#: Leaves one file, and then fails or does not.
PLANNING = "echo planned >/mnt/workspace/handrail.plan"
FAILING = "echo planned >/mnt/workspace/handrail.plan; exit 7"

#: Leaves a file that is larger than what is taken.
TOO_MUCH = "head -c 16777217 /dev/zero >/mnt/workspace/handrail.plan"

#: Says a value, announces it, and says it again.
ANNOUNCING = "echo said-secret; echo ::add-mask::said-secret; echo said-secret"

#: Prints STATE.
READING = "cat state.json"
STATE = (
    b'{"format_version": "1.0", "values": {"outputs": {"key": '
    b'{"sensitive": true, "value": "state-secret"}}}}'
)

#: Scripts to run beside a command: one that ends, one that does not, one that prints.
ASIDE = "echo beside; exit 3"
STUCK = "sleep 60"
VERBOSE = "yes"


class Rig(Protocol):
    """An engine of which each text of the suite does what its shell text says."""

    image: str
    installation: str

    @property
    def engine(self) -> Engine: ...

    async def release(self, run: str) -> None:
        """Let the text WAITING or LEAVING of *run* go on."""


class ScriptedRig:
    """The engine without containers, told what each shell text would do."""

    image = "sample"

    def __init__(self, installation: str) -> None:
        self.installation = installation
        self.engine = ScriptedEngine()
        self.engine.prepare("echo init", b"init\n")
        self.engine.prepare("echo one; exit 7", b"one\n", code=7)
        self.engine.prepare("echo done", b"done\n")
        self.engine.prepare('echo "$GREETING"', _variable("GREETING"))
        self.engine.prepare('echo "$HANDRAIL_FINAL_STATE"', _final_state)
        said = b"said-secret\n::add-mask::said-secret\nsaid-secret\n"
        self.engine.prepare(ANNOUNCING, said)
        self.engine.prepare(READING, STATE)
        self.engine.prepare(ASIDE, b"beside\n", code=3)
        self.engine.prepare(VERBOSE, b"y\n" * 1_000)
        self.engine.on(STUCK, block=True)
        self.engine.on(BUSY, b"busy\n", block=True)
        planned = {"handrail.plan": b"planned\n"}
        self.engine.prepare(PLANNING, leaves=planned)
        self.engine.prepare(FAILING, leaves=planned, code=7)
        self.engine.prepare(TOO_MUCH, leaves={"handrail.plan": bytes(16777217)})
        both = {"first.plan": b"first\n", "second.plan": b"second\n"}
        self.engine.on(LEAVING, b"waits\n", block=True, leaves=both)
        self.engine.on(WAITING, b"first\n", block=True, then=b"second\n")

    async def release(self, run: str) -> None:
        self.engine.release(WAITING)
        self.engine.release(LEAVING)


class DockerRig:
    """A real engine, whose containers really run the shell texts."""

    def __init__(self, engine: Engine, installation: str) -> None:
        self.engine = engine
        self.installation = installation
        self.image = busybox_image()

    async def release(self, run: str) -> None:
        run_in(f"handrail-{self.installation}-{run}", ": > /tmp/go")


def _variable(name: str) -> Callable[[Mapping[str, str]], bytes]:
    return lambda environment: environment[name].encode() + b"\n"


_final_state = _variable("HANDRAIL_FINAL_STATE")
