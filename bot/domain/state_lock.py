"""The lock on its state that a tool such as Terraform takes and reports."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class StateLock:
    """A lock as the tool that ran into it printed it; all but the id may be empty."""

    id: str
    path: str = ""
    operation: str = ""
    who: str = ""
    created: str = ""
