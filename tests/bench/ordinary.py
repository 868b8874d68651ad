"""Ordinary output in which nothing is secret: coloured plans and kernel logs."""

import random
from base64 import b64encode
from collections.abc import Callable, Iterator
from typing import Final


def ordinary(chance: random.Random, size: int) -> Iterator[bytes]:
    """Give at least *size* bytes in writes of about 100 KB, each of other lines."""
    while size > 0:
        writers = chance.choices(_WRITERS, k=1000)
        write = "".join(writer(chance) + "\n" for writer in writers).encode()
        size -= len(write)
        yield write


def _created(chance: random.Random) -> str:
    kind, name = chance.choice(_KINDS), f"n{chance.randrange(10**6)}"
    return (
        f"  # {kind}.{name} will be \x1b[32mcreated\x1b[0m\n"
        f'  \x1b[32m+\x1b[0m resource "{kind}" "{name}" {{'
    )


def _attribute(chance: random.Random) -> str:
    value = b64encode(chance.randbytes(chance.randint(4, 60))).decode()
    return f'      \x1b[32m+\x1b[0m {chance.choice(_KEYS)} = "{value}"'


def _unknown(chance: random.Random) -> str:
    return f"      \x1b[32m+\x1b[0m {chance.choice(_KEYS)} = (known after apply)"


def _progress(chance: random.Random) -> str:
    kind, took = chance.choice(_KINDS), chance.randrange(1, 60) * 10
    identity = chance.randbytes(8).hex()
    return f"\x1b[1m{kind}.main: Still creating... [id=i-{identity}, {took}s elapsed]"


def _device(chance: random.Random) -> str:
    at, address = chance.uniform(0, 9e5), chance.randrange(1 << 48)
    slot = f"0000:{chance.randrange(256):02x}:1f.0"
    return f"[{at:12.6f}] pci {slot}: reg 0x10: [mem 0x{address:016x} 64bit pref]"


def _memory(chance: random.Random) -> str:
    at, free = chance.uniform(0, 9e5), chance.randrange(1 << 24)
    return f"[{at:12.6f}] Out of memory: Killed process {free % 9999} rss:{free}kB"


def _call(chance: random.Random) -> str:
    at, offset = chance.uniform(0, 9e5), chance.randrange(4096)
    return f"[{at:12.6f}]  ? __x64_sys_{chance.choice(_CALLS)}+0x{offset:x}/0x1a0"


_KINDS: Final = ["aws_instance", "aws_iam_role", "google_compute_network"]
_KEYS: Final = ["ami", "arn", "description", "instance_type", "tags", "user_data"]
_CALLS: Final = ["openat", "execve", "clone", "futex", "ioctl", "epoll_wait"]
_WRITERS: Final[tuple[Callable[[random.Random], str], ...]] = (
    *(_created, _attribute, _attribute, _unknown, _progress),
    *(_device, _memory, _call),
)
