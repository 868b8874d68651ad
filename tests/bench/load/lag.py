"""How long ago lines were printed when they are seen, and how many there are."""

from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from tests.bench.table import percentile


def now() -> int:
    """Return the machine's own clock, in hundredths of a second."""
    return int(Path("/proc/uptime").read_text().split()[0].replace(".", ""))


@dataclass(kw_only=True)
class Lags:
    """The lags of all lines so far, in hundredths of a second."""

    lags: list[int] = field(default_factory=list)
    _rests: defaultdict[object, bytes] = field(
        default_factory=lambda: defaultdict(bytes)
    )

    def see(self, source: object, data: bytes, at: int) -> None:
        """Take more of what *source* printed, seen at *at*."""
        *lines, self._rests[source] = (self._rests[source] + data).split(b"\n")
        for line in lines:
            if line.startswith(b"@"):
                self.lags.append(at - int(line[1 : line.index(b" ")]))

    @property
    def shown(self) -> tuple[str, str]:
        """Return median and 99th percentile in seconds."""
        return f"{self.median:.2f} s", f"{percentile(self.lags, 99) / 100:.2f} s"

    @property
    def median(self) -> float:
        """Return the median in seconds."""
        return median(self.lags) / 100
