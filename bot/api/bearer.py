"""What the bearer of an API key shows: a part to find it by, and a secret."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from hmac import compare_digest
from typing import Final

from bot.domain.keys import ApiKey

_SHOWN: Final = re.compile(
    r"(?i:bearer) +hr_([0-9a-z]{8,32})_([A-Za-z0-9_-]{43})", re.ASCII
)
#: compared with where there is no such key, so that it takes as long
_NOBODYS: Final = sha256(b"").hexdigest()


@dataclass(frozen=True, slots=True)
class Bearer:
    """A key as it was shown."""

    id: str
    secret: str = field(repr=False)

    def is_of(self, key: ApiKey | None) -> bool:
        """Tell whether the secret is that of *key*, in a time that does not tell."""
        digest = sha256(self.secret.encode()).hexdigest()
        is_same = compare_digest(digest, _NOBODYS if key is None else key.digest)
        return is_same and key is not None


def bearer(authorization: Sequence[str]) -> Bearer | None:
    """Return the key in the one Authorization header (RFC 6750, 2.1), if it is one."""
    if len(authorization) != 1:
        return None
    found = _SHOWN.fullmatch(authorization[0].strip())
    return None if found is None else Bearer(found[1], found[2])
