"""What a container has to know of its job; its labels carry it through a restart."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from runner.job import Job


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """On what terms a container runs. *nonce* sets its driver's marks apart."""

    nonce: str
    reading: str = ""
    results: tuple[str, ...] = ()
    harmless: bool = False

    @classmethod
    def of(cls, job: Job, nonce: str) -> Self:
        """Return the terms of *job*."""
        return cls(
            nonce=nonce,
            reading=job.reading_state,
            results=job.results,
            harmless=job.harmless,
        )

    @classmethod
    def read(cls, labels: Mapping[str, str]) -> Self:
        """Return what *labels* say; those of an earlier release may say less."""
        return cls(
            nonce=labels.get("handrail.nonce", ""),
            reading=labels.get("handrail.reading", ""),
            results=tuple(json.loads(labels.get("handrail.results", "[]"))),
            harmless=labels.get("handrail.harmless") == "yes",
        )

    @property
    def labels(self) -> dict[str, str]:
        """Return the labels that say it."""
        return {
            "handrail.nonce": self.nonce,
            "handrail.reading": self.reading,
            "handrail.results": json.dumps(self.results),
            "handrail.harmless": "yes" if self.harmless else "no",
        }
