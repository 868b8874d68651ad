"""What a bench found, beside what it should have found."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import quantiles


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A limit, and what was measured of it."""

    name: str
    measured: float
    at_most: float
    unit: str = ""

    @property
    def is_met(self) -> bool:
        """Tell whether the measure is within the limit."""
        return self.measured <= self.at_most

    def __str__(self) -> str:
        verdict = "met" if self.is_met else "MISSED"
        return (
            f"target: {self.name} at most {self.at_most:g}{self.unit}; "
            f"measured {self.measured:.3g}{self.unit}: {verdict}"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Rows of one width, the first column to the left and the others to the right."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    targets: Sequence[Target] = ()
    notes: Sequence[str] = ()

    @property
    def is_met(self) -> bool:
        """Tell whether every target is met."""
        return all(target.is_met for target in self.targets)

    def __str__(self) -> str:
        return "\n".join([self.title, *self._lines(), *map(str, self.targets)])

    def _lines(self) -> Iterator[str]:
        cells = [self.columns, *self.rows]
        widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
        for row in cells:
            first, *others = zip(row, widths, strict=True)
            aligned = [first[0].ljust(first[1]), *(c.rjust(w) for c, w in others)]
            yield f"  {'  '.join(aligned)}"
        yield from (f"  ({note})" for note in self.notes)


def percentile(values: Sequence[float], which: int) -> float:
    """Return the *which*th percentile of *values*."""
    return quantiles(values, n=100, method="inclusive")[which - 1]
