"""How secrets are replaced, in a stream or in a value that is there as a whole."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from threading import Lock
from typing import Final, NamedTuple

from runner.masking.patterns import CONTEXT, Range, View
from runner.masking.secrets import Secret, encodings, forms
from runner.masking.sifted import views

#: What stands in the place of a secret. Secrets that overlap become one of it,
#: secrets that only touch become two.
REPLACEMENT: Final = b"*****"

#: How many bytes are looked at in one go, to bound the memory of a large write.
PIECE: Final = 64 * 1024


class Masks:
    """All that is to be hidden from a run, shared by its streams. It may grow."""

    def __init__(
        self, secrets: Iterable[Secret] = (), *, others: Iterable[View] = ()
    ) -> None:
        """Hide *secrets*, and whatever else *others* find."""
        self._learning = Lock()
        self._known: dict[bytes, Secret] = {}
        self._always = tuple(others)
        self._groups: list[_Group] = []
        self._views: list[View] = list(self._always)
        self.learn(secrets)

    @property
    def secrets(self) -> tuple[Secret, ...]:
        """All secrets that are hidden, in the order in which they became known."""
        return tuple(self._known.values())

    def learn(self, secrets: Iterable[Secret]) -> tuple[Secret, ...]:
        """Hide *secrets* from here on, in every stream; return what was not known.

        What a stream holds back is searched again, what it has shown is not. From
        any thread: a thousand secrets take a second, while streams go on.
        """
        with self._learning:
            new: dict[bytes, Secret] = {}
            for secret in secrets:
                if secret.value not in self._known:
                    new.setdefault(secret.value, secret)
            if new:
                self._gather(tuple(new.values()))
                self._known |= new
            return tuple(new.values())

    def stream(self, *, shown: int = 0) -> "Masker":
        """Return a masker for one more stream, of which *shown* bytes are told."""
        return Masker(self._views, shown=shown)

    def data(self, whole: bytes) -> bytes:
        """Return *whole* with every secret replaced."""
        masker = self.stream()
        return masker.feed(whole) + masker.flush()

    def text(self, whole: str) -> str:
        """Return *whole* with every secret replaced."""
        data = whole.encode("utf-8", "surrogatepass")
        masked = self.data(data)
        return whole if masked == data else masked.decode("utf-8", "replace")

    def _gather(self, secrets: tuple[Secret, ...]) -> None:
        """Make views of *secrets* and of what was learned in smaller groups.

        So there are few views, and each secret is made into one a few times only.
        """
        kept = len(self._groups)
        while kept and len(self._groups[kept - 1].secrets) <= len(secrets):
            kept -= 1
            secrets = (*self._groups[kept].secrets, *secrets)
        # Making views may fail: until they are made, what was there stays.
        made = _Group(secrets, tuple(_views(secrets)))
        self._groups = [*self._groups[:kept], made]
        known = chain.from_iterable(group.views for group in self._groups)
        self._views[:] = [*self._always, *known]


class _Group(NamedTuple):
    secrets: tuple[Secret, ...]
    views: tuple[View, ...]


def _views(secrets: Iterable[Secret]) -> Iterator[View]:
    known = tuple(secrets)
    plain = frozenset[bytes]().union(*map(forms, known))
    encoded = frozenset[bytes]().union(*map(encodings, known))
    return views(plain, encoded)


class Masker:
    """Replaces secrets in one stream, however it is cut.

    What `feed` holds back is exactly what may still become a secret.
    """

    def __init__(self, views: Sequence[View], *, shown: int = 0) -> None:
        self._views = views
        self._kept = b""
        self._before = 0  # how many bytes of the stream came before the kept ones
        # Relative to the kept bytes, as the next one is:
        self._done = shown  # up to here the stream was shown or replaced before
        self._searched = 0  # up to here every match that starts in them was found

    @property
    def position(self) -> int:
        """How many bytes of the stream have been shown or replaced."""
        return self._before + self._done

    def feed(self, data: bytes) -> bytes:
        """Take more of the stream; return what may be shown now."""
        masked: list[bytes] = []
        for start in range(0, len(data), PIECE):
            whole = self._kept + data[start : start + PIECE]
            views = tuple(self._views)  # those of one moment
            live = min([len(whole), *[view.live(whole) for view in views]])
            masked.extend(self._show(whole, live))
        return b"".join(masked)

    def flush(self) -> bytes:
        """Return what was held back: no secret goes on from here."""
        masked = b"".join(self._show(self._kept, len(self._kept)))
        self._before += len(self._kept)
        self._done -= len(self._kept)
        self._kept, self._searched = b"", 0
        return masked

    def _show(self, data: bytes, until: int) -> Iterator[bytes]:
        at = self._done
        until = max(until, self._searched)
        for start, end in self._found(data, until):
            if start >= at:
                yield data[at:start]
                yield REPLACEMENT
            at = max(at, end)
        yield data[at:until]
        kept_from = max(0, until - CONTEXT)
        self._before += kept_from
        self._kept = data[kept_from:]
        self._done = max(at, until) - kept_from
        self._searched = until - kept_from

    def _found(self, data: bytes, until: int) -> list[Range]:
        """Return, in order, the matches that start before *until* and are new.

        Of what was searched before only the end is left, where a code that was cut
        could pass for the beginning of another match.
        """
        if until == self._searched:
            return []
        found = [
            match
            for view in tuple(self._views)
            for match in view.matches(data)
            if self._searched <= match[0] < until
        ]
        return sorted(found)
