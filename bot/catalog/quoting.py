"""How a shell reads a command: what of it stands in which quotes."""

from dataclasses import dataclass, field
from typing import Final

_QUOTES: Final = ("'", '"')
_BLANKS: Final = (" ", "\t", "\n", ";", "&", "|", "(")


@dataclass(frozen=True, slots=True, kw_only=True)
class Quoted:
    """Where a `$` stands: in which quote, if in any, and what is before that."""

    quote: str = ""
    before: str = ""


@dataclass(slots=True, kw_only=True)
class Reading:
    """A command as a shell reads it; here-documents are read as if they were code."""

    command: str
    #: by the offset of each `$` that no backslash is before
    dollars: dict[int, Quoted] = field(default_factory=dict)
    #: quotes and brackets that are open, and where they were opened
    _open: list[tuple[str, int]] = field(default_factory=list)

    @property
    def unclosed(self) -> str:
        """Return the quote that is opened and never closed; empty: none is."""
        return next((sign for sign, _ in self._open if sign in _QUOTES), "")

    def go(self) -> None:
        """Read all of it."""
        at = 0
        while at < len(self.command):
            at = self._step(at)

    def _step(self, at: int) -> int:
        """Read what begins at *at*, and return where it ends."""
        sign, start = self._open[-1] if self._open else ("", at)
        match self.command[at]:
            case "\\":
                return at + 2
            case "'" if sign != '"':
                return self._literal(at)
            case '"' if sign == '"':
                self._open.pop()
            case '"':
                self._open.append(('"', at))
            case "(" if sign != '"' or self.command[at - 1] == "$":
                self._open.append(("(", at))
            case ")" if sign == "(":
                self._open.pop()
            case "#" if sign != '"' and self._begins_word(at):
                return self._until("\n", at)
            case "$":
                quote = sign if sign == '"' else ""
                before = self.command[:start] if quote else self.command[:at]
                self.dollars[at] = Quoted(quote=quote, before=before)
            case _:
                pass
        return at + 1

    def _literal(self, at: int) -> int:
        end = self._until("'", at + 1)
        if end == len(self.command):
            self._open.append(("'", at))
        quoted = Quoted(quote="'", before=self.command[:at])
        inside = (it for it in range(at, end) if self.command[it] == "$")
        self.dollars.update(dict.fromkeys(inside, quoted))
        return end + 1

    def _begins_word(self, at: int) -> bool:
        return at == 0 or self.command[at - 1] in _BLANKS

    def _until(self, sign: str, at: int) -> int:
        end = self.command.find(sign, at)
        return len(self.command) if end < 0 else end


def read(command: str) -> Reading:
    """Return *command* as a shell reads it."""
    reading = Reading(command=command)
    reading.go()
    return reading
