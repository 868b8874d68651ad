"""Runs the driver on this machine, in one shell after the other."""

import os
import shutil
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path

from runner.driver import DRIVER, OPEN, Mark, Marks, mark, reading_script

NONCE = "4f1d"

#: Each shell that is installed here, `sh` always among them.
SHELLS = [
    words
    for words in (["sh"], ["dash"], ["bash", "--posix"], ["busybox", "sh"])
    if shutil.which(words[0])
]


#: What every process in the container starts with.
ENVIRONMENT = {"PATH": os.environ["PATH"], "GIVEN": "by the engine", "UNSET": "too"}


@dataclass
class Ended:
    output: str  #: what is left without the marks
    marks: list[Mark]
    code: int


class Drive:
    """Runs the driver in one shell, with a workspace of its own."""

    def __init__(self, shell: list[str], workspace: Path) -> None:
        self.shell = shell
        self.workspace = workspace
        (workspace / "source").mkdir()

    def __call__(self, *texts: tuple[str, str], gate: bool = True) -> Ended:
        process = self.start(*texts)
        out, _ = process.communicate(OPEN if gate else b"", timeout=20)
        return ended(out, process.returncode)

    def start(
        self,
        *texts: tuple[str, str],
        root: str = "",
        waits: str = "",
        session: Path | str = "",
    ) -> "subprocess.Popen[bytes]":
        words = [word for pair in texts for word in pair]
        options = [NONCE, str(self.workspace), root, waits, str(session)]
        return subprocess.Popen(
            [*self.shell, "-c", DRIVER, "handrail", *options, *words],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
            env=ENVIRONMENT,
        )

    def read_at_the_gate(
        self, reading: str, *texts: tuple[str, str], session: Path
    ) -> tuple[Ended, list[str]]:
        """Run *reading* at the gate; return the end, and what it printed by lines."""
        with self.start(*texts, session=session) as process:
            assert process.stdin
            assert process.stdout
            before = b""
            while mark(NONCE, Mark.GATE) not in before:
                before += os.read(process.stdout.fileno(), 4096)
            read = subprocess.run(
                [*self.shell, "-c", reading_script(reading, str(session))],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                env=ENVIRONMENT,
                check=False,
                timeout=20,
            )
            assert read.stderr == b""
            rest, _ = process.communicate(OPEN, timeout=20)
        return ended(before + rest, process.returncode), read.stdout.decode().split(
            "\n"
        )

    def interrupted(self, *texts: tuple[str, str], after: bytes, gate: bool) -> Ended:
        """Send all of it SIGINT once it has printed *after*."""
        with self.start(*texts) as process:
            assert process.stdin
            assert process.stdout
            if gate:
                process.stdin.write(OPEN)
                process.stdin.flush()
            before = b""
            while after not in before:
                before += os.read(process.stdout.fileno(), 4096)
            os.killpg(process.pid, signal.SIGINT)
            rest, _ = process.communicate(timeout=20)
        return ended(before + rest, process.returncode)


def ended(out: bytes, code: int) -> Ended:
    marks = Marks(NONCE)
    items = list(marks.feed(out))
    output = b"".join(item for item in items if isinstance(item, bytes))
    found = [item for item in items if isinstance(item, Mark)]
    return Ended((output + marks.flush()).decode(), found, code)


INIT, BEFORE, COMMAND = "initializing", "before_perform", "command"
AFTER, AFTER_RUN = "after_perform", "after_run"
