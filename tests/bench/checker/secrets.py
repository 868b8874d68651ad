"""The forms in which a secret is looked for."""

import base64
import json
from collections.abc import Iterator
from urllib.parse import quote

_HALF = 12


def forms(secret: str) -> tuple[bytes, ...]:
    """Return what gives *secret* away, or half of it."""
    return tuple(dict.fromkeys(_forms(secret)))


def _forms(secret: str) -> Iterator[bytes]:
    raw = secret.encode()
    yield from (raw, raw[:_HALF], raw[-_HALF:])
    quoted = json.dumps(secret)[1:-1]
    yield from (quoted.encode(), json.dumps(quoted)[1:-1].encode())
    yield quote(secret, safe="").encode()
    yield from (raw.hex().encode(), raw.hex().upper().encode())
    for shift in range(3):
        # What stands before and after a secret changes its first and last sign.
        whole = base64.b64encode(bytes(shift) + raw)
        own = whole[(0, 2, 3)[shift] :].rstrip(b"=")
        yield own[: len(own) - 1]
