"""How secrets are replaced, in a stream or in a value that is there as a whole."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import Final

from runner.masking.interrupted import Interrupted
from runner.masking.patterns import CONTEXT, Range, Verbatim, View, Wrapped
from runner.masking.secrets import Secret, encodings, forms

#: What stands in the place of a secret. Secrets that overlap become one of it,
#: secrets that only touch become two.
REPLACEMENT: Final = b"*****"

#: How many bytes are looked at in one go, to bound the memory of a large write.
PIECE: Final = 64 * 1024


class Masks:
    """All that is to be hidden from a run, shared by its streams."""

    def __init__(self, secrets: Iterable[Secret]) -> None:
        known = tuple(secrets)
        plain = frozenset[bytes]().union(*map(forms, known))
        encoded = frozenset[bytes]().union(*map(encodings, known))
        self._views: list[View] = []
        if plain:
            verbatim = Verbatim(plain)
            self._views += [verbatim, Interrupted(verbatim)]
        if encoded:
            self._views.append(Wrapped(encoded))

    def stream(self) -> "Masker":
        """Return a masker for one more stream."""
        return Masker(self._views)

    def data(self, whole: bytes) -> bytes:
        """Return *whole* with every secret replaced."""
        masker = self.stream()
        return masker.feed(whole) + masker.flush()

    def text(self, whole: str) -> str:
        """Return *whole* with every secret replaced."""
        data = whole.encode("utf-8", "surrogatepass")
        masked = self.data(data)
        return whole if masked == data else masked.decode("utf-8", "replace")


class Masker:
    """Replaces secrets in one stream, however it is cut.

    What `feed` holds back is exactly what may still become a secret.
    """

    def __init__(self, views: Sequence[View]) -> None:
        self._views = views
        self._kept = b""
        self._done = 0  # how many of the kept bytes were shown or replaced before
        self._searched = 0  # up to here every match that starts in them was found

    def feed(self, data: bytes) -> bytes:
        """Take more of the stream; return what may be shown now."""
        if not self._views:
            return data
        masked: list[bytes] = []
        for start in range(0, len(data), PIECE):
            whole = self._kept + data[start : start + PIECE]
            live = min(view.live(whole) for view in self._views)
            masked.extend(self._show(whole, live))
        return b"".join(masked)

    def flush(self) -> bytes:
        """End the stream; return what was held back."""
        masked = b"".join(self._show(self._kept, len(self._kept)))
        self._kept, self._done, self._searched = b"", 0, 0
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
        self._kept = data[kept_from:]
        self._done = max(at, until) - kept_from
        self._searched = until - kept_from

    def _found(self, data: bytes, until: int) -> list[Range]:
        """Return, in order, the matches that start before *until* and are new.

        Of what was searched before only the end is left, where a code that was cut
        could pass for the beginning of another match.
        """
        matches = chain.from_iterable(view.matches(data) for view in self._views)
        return sorted(each for each in matches if self._searched <= each[0] < until)
