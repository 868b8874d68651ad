"""The shell program inside every container, and the marks it leaves in the output."""

from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from shlex import quote
from typing import Final

from runner.job import Job

#: POSIX shell that needs nothing of an image but `/bin/sh` and `rm`.
DRIVER: Final = Path(__file__).with_name("driver.sh").read_text(encoding="utf-8")

#: What keeps a copy of all that the driver prints: POSIX shell, and keeps nothing
#: where an image lacks `tee`, `mkfifo` or `/proc`.
KEEPER: Final = Path(__file__).with_name("keeper.sh").read_text(encoding="utf-8")

#: Where the keeper keeps it: in the container's own file system, gone with it.
KEPT: Final = "/mnt/handrail"

#: The file that has the copy.
KEPT_OUTPUT: Final = f"{KEPT}/output"

#: Where the workspace is in every container.
WORKSPACE: Final = "/mnt/workspace"

#: Where secret files are in every container: in memory, and read-only.
SECRETS: Final = "/mnt/secrets"

#: Memory that every container has if its job reads the state.
MEMORY: Final = "/run/handrail"

#: Where the driver leaves its session while it waits at the gate, if it is told to.
SESSION: Final = f"{MEMORY}/environment"

#: What opens the gate, written on the container's standard input.
OPEN: Final = b"go\n"

_START: Final = b"\x1e"  # no mark has it anywhere but at its start

# A mark is whole without its newline, which an engine's log may keep back until
# something follows. It is the driver's all the same, and no output.
_END: Final = b"\x1f"


# What the session has unset must not come back from the container's own environment:
# lines that only look like exports, in values of several lines, do no harm.
_READING: Final = r"""exec 2>/dev/null </dev/null
while read -r word name; do
  name=${{name%%=*}}
  case $word:$name in
    export:*[!A-Za-z0-9_]* | export:[0-9]* | export:) ;;
    export:*) unset "$name" ;;
  esac
done <<END
$(export -p)
END
. {session} || exit
cd -- "${{__hr_directory:?}}" || exit
unset __hr_directory
exec /bin/sh -c {reading}
"""


class Mark(StrEnum):
    """What the driver says of itself between the lines of the output."""

    INITIALIZING = "initializing"
    GATE = "gate"  #: waits for OPEN on its standard input
    PERFORMING = "performing"
    ENDED = "ended"  #: the command has run, however it ended


def entrypoint(job: Job, nonce: str, *, waits: bool = False) -> list[str]:
    """Return the argument list that runs the scripts of *job*.

    *nonce* sets the driver's marks apart from all that a script might print. One
    that *waits* begins once OPEN was written on its standard input. All that they
    print is kept in KEPT_OUTPUT as well, where the image allows it.
    """
    script = job.script
    texts = [
        *(("initializing", text) for text in script.initializing),
        *(("before_perform", text) for text in script.before_perform),
        ("command", script.command),
        *(("after_perform", text) for text in script.after_perform),
        *(("after_run", text) for text in script.after_run),
    ]
    words = [word for pair in texts for word in pair]
    options = [
        *(nonce, WORKSPACE, job.project_root),
        *("files" if waits else "", SESSION if job.reading_state else ""),
    ]
    shell = ["/bin/sh", "-c", KEEPER, "handrail", KEPT, DRIVER]
    return [*shell, *options, *words]


def reading_script(reading: str, session: str = SESSION) -> str:
    """Return a script that runs the shell text *reading* where the session stands.

    To be run once, by `/bin/sh -c`, beside a driver that waits at its gate. It prints
    nothing but what *reading* prints on standard output, and stays one process.
    """
    return _READING.format(session=quote(session), reading=quote(reading))


def mark(nonce: str, word: Mark) -> bytes:
    """Return *word* as the driver prints it, but for the newline."""
    return _START + f"handrail {nonce} {word}".encode() + _END


class Marks:
    """Separates the marks from the output around them, however the stream is cut."""

    def __init__(self, nonce: str) -> None:
        self._words = {mark(nonce, word): word for word in Mark}
        self._held = b""
        self._after_mark = False

    def feed(self, data: bytes) -> Iterator[bytes | Mark]:
        """Take more of the stream; yield output and marks in their order.

        Only what may still become a mark is held back. To be used up before the
        next call.
        """
        data = self._held + data
        until = self._beginning(data)
        self._held = data[until:]
        return self._split(data[:until])

    def flush(self) -> bytes:
        """End the stream; return what was held back, which is output."""
        held, self._held = self._held, b""
        return held

    def _beginning(self, data: bytes) -> int:
        at = data.rfind(_START)
        tail = data[at:] if at >= 0 else b""
        live = tail and any(m.startswith(tail) and m != tail for m in self._words)
        return at if live else len(data)

    def _split(self, data: bytes) -> Iterator[bytes | Mark]:
        done, at = 0, data.find(_START)
        while at >= 0:
            found = next((m for m in self._words if data.startswith(m, at)), b"")
            if found:
                yield from self._output(data[done:at])
                yield self._words[found]
                self._after_mark = True
                done = at + len(found)
            at = data.find(_START, at + 1)
        yield from self._output(data[done:])

    def _output(self, data: bytes) -> Iterator[bytes]:
        if data and self._after_mark:
            self._after_mark = False
            data = data.removeprefix(b"\n")
        if data:
            yield data
