"""Ordinary output of many kinds: plans, kernel logs, progress, listings, documents."""

import json
import random
from base64 import b64encode
from collections.abc import Callable, Iterator
from urllib.parse import quote_plus


def ordinary_lines(chance: random.Random, size: int) -> Iterator[bytes]:
    """Give at least *size* bytes of output in lines."""
    while size > 0:
        line = chance.choice(_KINDS)(chance).encode() + b"\n"
        size -= len(line)
        yield line


def _plan(chance: random.Random) -> str:
    value = b64encode(chance.randbytes(chance.randint(4, 60))).decode()
    return f'      \x1b[32m+\x1b[0m {chance.choice(_WORDS)} = "{value}"\r'


def _kernel(chance: random.Random) -> str:
    at, address = chance.uniform(0, 9e5), chance.randrange(1 << 48)
    return (
        f"[{at:12.6f}] pci 0000:{chance.randrange(256):02x}:1f.0: reg 0x{address:016x}"
    )


def _progress(chance: random.Random) -> str:
    return "".join(f"\r{percent}% \x1b[K" for percent in range(chance.randint(1, 40)))


def _listing(chance: random.Random) -> str:
    digest = chance.randbytes(32).hex()
    return f"{digest}  modules/{chance.choice(_WORDS)}/{chance.randrange(999)}.tf"


def _wrapped(chance: random.Random) -> str:
    return "\n".join(b64encode(chance.randbytes(57)).decode() for _ in range(5))


def _document(chance: random.Random) -> str:
    word, other = chance.choices(_WORDS, k=2)
    url = f"https://example.com/{word}?q={quote_plus(other + ' & ' + word)}"
    return json.dumps({word: chance.randrange(10**9), "é<" + other: [url, 'a\n"b"']})


def _prose(chance: random.Random) -> str:
    return " ".join(chance.choices(_WORDS, k=12)) + " … \u200b✓"


_WORDS = [
    *("ami", "arn", "instance_type", "subnet_id", "tags", "user_data", "aws_instance"),
    *("google_compute_network", "null_resource", "Refreshing", "state...", "complete"),
    *("module.network.aws_vpc.main", "(known after apply)", "forces", "replacement"),
]
_KINDS: tuple[Callable[[random.Random], str], ...] = (
    _plan,
    _plan,
    _kernel,
    _progress,
    _listing,
    _wrapped,
    _document,
    _prose,
)
