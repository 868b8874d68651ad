"""Walk the audit chain: name every row that was edited, moved, removed or put in."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from hashlib import sha256
from json.encoder import encode_basestring_ascii as _quoted
from typing import Final

from bot.domain.audit import GENESIS

#: how many rows somebody may have put in or taken out at one place for the rows
#: behind it, numbered anew, to be known again
_FARTHEST: Final = 1_000
_NOBODY: Final[Mapping[int, str]] = {}


@dataclass(frozen=True, slots=True)
class Link:
    """A row as the walk needs it, cheap to make: there may be a million."""

    ordinal: int
    previous: str
    hash: str
    #: what is sealed behind the ordinal, as JSON; None where nothing can be
    rest: str | None
    #: the seals of the rows that it vouches for, by their ordinals
    vouches: Mapping[int, str] = field(default_factory=lambda: _NOBODY)
    #: whether a redaction can have left it as it is, so that a row may vouch for it
    may_be_redacted: bool = False


class Kind(StrEnum):
    """What was done to rows behind Handrail's back."""

    EDITED = "edited"
    #: edited by somebody who knows how it is sealed; those before it may be, too
    RESEALED = "sealed anew"
    MOVED = "moved"  #: numbered anew, and nothing else
    REMOVED = "removed"
    PUT_IN = "put in"


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Fault:
    """Neighbouring rows with one and the same fault.

    What was removed has the ordinals that it had, all else those that it has.
    """

    first: int
    last: int
    kind: Kind


class Walk:
    """Follows the chain row by row, in one pass, in the order of the ordinals.

    A chain that was cut at its end, or sealed anew up to its end, is sound in
    itself: only what was told elsewhere of its rows shows that.
    """

    def __init__(self) -> None:
        self._last = Link(0, "", GENESIS, None)
        #: by how much rows are numbered higher than they were when they were sealed
        self._shift = 0
        #: the rows that do not match their hash, by the ordinals they were sealed
        #: with: what they are numbered now, and what they would be vouched for as
        self._pending: dict[int, tuple[int, str | None]] = {}
        #: rows that neither match their hash nor follow the one before them
        self._strangers: list[Link] = []
        #: a row that the next one does not follow, until that proves to be right
        self._doubted: Link | None = None
        self._whole_from = 1  #: from there on no ordinal was missing
        self._found: dict[Kind, list[Fault]] = {kind: [] for kind in Kind}
        self.rows = 0
        #: the rows that a later one vouches for, with the ordinals of both
        self.vouched: dict[int, int] = {}

    def step(self, link: Link) -> None:
        """Take the next row."""
        self.rows += 1
        if self._strangers:
            self._place_strangers(link)
        seal = _seal(link, self._shift)
        if seal is not None and seal == link.hash:
            self._take_sound(link)
        elif self._is_next(link):
            known = seal if link.may_be_redacted else None
            self._pending[link.ordinal - self._shift] = (link.ordinal, known)
            self._last = link
        else:
            self._strangers.append(link)

    def end(self) -> Sequence[Fault]:
        """Return what was found, by the ordinals, once there are no more rows."""
        self._place_last_strangers()
        self._settle_doubt()
        for ordinal, _ in self._pending.values():
            self._note(Kind.EDITED, ordinal)
        self._pending.clear()
        return sorted(
            fault for found in self._found.values() for fault in _together(found)
        )

    def _is_next(self, link: Link) -> bool:
        if link.ordinal != self._last.ordinal + 1:
            return False
        # Also where nothing but what it names as the one before it was edited.
        return link.previous == self._last.hash or link.hash == _seal(
            link, self._shift, previous=self._last.hash
        )

    def _take_sound(self, link: Link) -> None:
        if link.ordinal < 1:
            self._note(Kind.PUT_IN, link.ordinal)
            return
        if link.ordinal > self._last.ordinal + 1:
            self._miss(self._last.ordinal + 1, link.ordinal - 1)
        elif link.previous != self._last.hash:
            self._doubt(link)
        else:
            self._settle_doubt()
        if self._shift:
            self._note(Kind.MOVED, link.ordinal)
        for ordinal, seal in link.vouches.items():
            if self._pending.get(ordinal, (0, None))[1] == seal:
                row, _ = self._pending.pop(ordinal)
                self.vouched[row] = link.ordinal
        self._last = link

    def _doubt(self, link: Link) -> None:
        # Its own seal vouches for what it followed, unless the next one does not
        # follow it either: then it is the foreign one.
        if self._doubted is not None and self._doubted.ordinal == link.ordinal - 2:
            self._doubted = None
            self._note(Kind.RESEALED, link.ordinal - 1)
            return
        self._settle_doubt()
        self._doubted = self._last if self._last.ordinal else link

    def _settle_doubt(self) -> None:
        row, self._doubted = self._doubted, None
        if row is None:
            return
        is_sealed = _seal(row, self._shift) == row.hash
        self._note(Kind.RESEALED if is_sealed else Kind.EDITED, row.ordinal)

    def _place_strangers(self, following: Link) -> None:
        """Say what the strangers are, as far as the row behind them tells."""
        last = self._strangers[-1]
        leads_on = following.previous == last.hash
        moved = _moved(last, self._shift) if leads_on else 0
        if moved and _seal(following, self._shift + moved) == following.hash:
            self._follow_moved(last, moved)
            return
        if leads_on or _seal(following, self._shift) == following.hash:
            self._take_for_edited(following)

    def _follow_moved(self, link: Link, moved: int) -> None:
        """Go on with rows that are as they were, but for their numbers."""
        if moved > 0:
            self._note(Kind.PUT_IN, link.ordinal - moved, link.ordinal - 1)
        else:
            before = self._last.ordinal - self._shift
            written = link.ordinal - self._shift - moved
            self._note(Kind.REMOVED, before + 1, written - 1)
        self._note(Kind.MOVED, link.ordinal)
        self._shift += moved
        self._last = link
        self._strangers.clear()

    def _take_for_edited(self, following: Link) -> None:
        """Take strangers that stand where rows must have been for those rows."""
        for stranger in self._strangers:
            if stranger.ordinal <= self._last.ordinal:
                self._note(Kind.PUT_IN, stranger.ordinal)
                continue
            self._miss(self._last.ordinal + 1, stranger.ordinal - 1)
            self._note(Kind.EDITED, stranger.ordinal)
            self._last = stranger
        self._miss(self._last.ordinal + 1, following.ordinal - 1)
        self._last = Link(following.ordinal - 1, "", following.previous, None)
        self._strangers.clear()

    def _place_last_strangers(self) -> None:
        if not self._strangers:
            return
        last = self._strangers[-1]
        moved = _moved(last, self._shift)
        is_whole = last.ordinal == self._last.ordinal + len(self._strangers)
        if is_whole and 0 < moved <= last.ordinal - self._whole_from:
            self._follow_moved(last, moved)
        for stranger in self._strangers:
            self._note(Kind.PUT_IN, stranger.ordinal)

    def _miss(self, first: int, last: int) -> None:
        if first <= last:
            self._note(Kind.REMOVED, first - self._shift, last - self._shift)
            self._whole_from = last + 1

    def _note(self, kind: Kind, first: int, last: int | None = None) -> None:
        found = self._found[kind]
        end = first if last is None else last
        if found and found[-1].last == first - 1:
            first = found.pop().first  # a million moved rows are one fault
        found.append(Fault(first=first, last=end, kind=kind))


def rest_of(fields: Sequence[object]) -> str | None:
    """Return what is sealed behind the ordinal, of its fields; None where none is."""
    try:
        return json.dumps(fields, ensure_ascii=True)[1:]
    except (TypeError, ValueError):
        return None  # SQLite keeps anything in a column, bytes too


def _seal(link: Link, shift: int, previous: str | None = None) -> str | None:
    """Return what *link* would be sealed as; it is numbered *shift* too high."""
    before = link.previous if previous is None else previous
    if link.rest is None or not isinstance(before, str):
        return None
    sealed = f"[{_quoted(before)}, {link.ordinal - shift}, {link.rest}"
    return sha256(sealed.encode()).hexdigest()


def _moved(link: Link, shift: int) -> int:
    """Return by how much more than *shift* an untouched row was moved; 0: it is not."""
    for much in range(1, _FARTHEST + 1):
        for moved in (much, -much):
            if _seal(link, shift + moved) == link.hash:
                return moved
    return 0


def _together(found: Iterable[Fault]) -> list[Fault]:
    whole: list[Fault] = []
    for fault in sorted(found):
        if whole and fault.first <= whole[-1].last + 1:
            before = whole.pop()
            last = max(before.last, fault.last)
            fault = replace(before, last=last)  # noqa: PLW2901 (they are one)
        whole.append(fault)
    return whole
