"""What an image's name stands for in full, and whether a policy allows it."""

import re
from collections.abc import Iterator
from typing import Final

from bot.domain.stack import ImagePolicy

_HUB: Final = "docker.io"
_DIGEST: Final = re.compile(r"@sha256:[0-9a-f]{64}$")
#: Docker looks for it, or for what begins so, among the images that are there,
#: whatever their registry, before it takes it for a name.
_ID: Final = re.compile(r"(sha256:)?[0-9a-f]{1,64}")


def breaches(image: str, policy: ImagePolicy) -> Iterator[str]:
    """Yield what *policy* has against *image*, as what to write instead."""
    if policy.digest and not _DIGEST.search(image):
        yield (
            f"`{image}` has no digest, which image_policy demands; write @sha256: and "
            "its 64 hex digits behind it"
        )
    if policy.registries and not _is_below(image, policy.registries):
        yield (
            f"`{image}` is {_told(image)}, below no registry of image_policy "
            f"({', '.join(policy.registries)}); take it from there, or add its registry"
        )


def repository(image: str) -> str:
    """Return where *image* is, without tag and digest: `docker.io/library/alpine`.

    The rules are Docker's (package `reference` of distribution).
    """
    name, _, _ = image.partition("@")
    above, slash, last = name.rpartition("/")
    return _whole(above + slash + last.split(":")[0])


def registry(written: str) -> str:
    """Return a registry of a policy as `repository` would have it."""
    host, slash, path = written.partition("/")
    return _host(host) + slash + path


def _whole(name: str) -> str:
    """Return *name* with its registry in front, in lower case."""
    first, slash, rest = name.partition("/")
    if not slash or not _is_host(first):
        first, rest = _HUB, name
    if _host(first) == _HUB and "/" not in rest:
        rest = f"library/{rest}"
    return f"{_host(first)}/{rest}"


def _host(written: str) -> str:
    return _HUB if written.lower() == f"index.{_HUB}" else written.lower()


def _is_host(first: str) -> bool:
    return bool(re.search("[.:A-Z]", first)) or first == "localhost"


def _told(image: str) -> str:
    return "the id of an image to Docker" if _ID.fullmatch(image) else repository(image)


def _is_below(image: str, registries: tuple[str, ...]) -> bool:
    if _ID.fullmatch(image):
        return False
    place = f"{repository(image)}/"
    return any(place.startswith(f"{prefix}/") for prefix in registries)
