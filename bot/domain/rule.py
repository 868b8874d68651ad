"""The built-in rule of approvals."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

#: how long a run waits for people where nothing else is written
EXPIRES: Final = timedelta(days=7)


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalRule:
    """The built-in rule: so many people out of these have to agree."""

    count: int
    #: as `writers` of a stack are written; empty: its writers
    from_: tuple[str, ...] = ()
    #: RE2 patterns of whole commands that nobody has to agree to
    except_: tuple[str, ...] = ()
    expires: timedelta | None = EXPIRES  #: from when it was asked for
