"""Where Handrail's API is, and the key that opens it, as a CI job is told."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Final, Self
from urllib.parse import urlsplit

KEY_VARIABLE: Final = "HANDRAIL_API_KEY"
URL_VARIABLE: Final = "HANDRAIL_URL"
INSECURE_VARIABLE: Final = "HANDRAIL_INSECURE"

_KEY: Final = re.compile(r"hr_[0-9A-Za-z]+_[0-9A-Za-z_-]+", re.ASCII)


class Unusable(Exception):
    """The settings of a job cannot be used; the sentence never has the key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A Handrail that can be asked."""

    url: str  #: without a slash at its end
    key: str = field(repr=False)

    @classmethod
    def read(cls, environ: Mapping[str, str]) -> Self:
        """Return the server that *environ* names, or raise Unusable.

        Plain HTTP would show the key to everybody on the way, so it is for this
        machine alone, unless HANDRAIL_INSECURE is 1.
        """
        url = environ.get(URL_VARIABLE, "").strip().rstrip("/")
        key = environ.get(KEY_VARIABLE, "").strip()
        _check_url(url, may_be_plain=environ.get(INSECURE_VARIABLE) == "1")
        _check_key(key)
        return cls(url=url, key=key)


def _check_url(url: str, *, may_be_plain: bool) -> None:
    if not url:
        raise Unusable(
            f"{URL_VARIABLE} is not set; write where Handrail serves its API, as in "
            "https://handrail.example.com."
        )
    scheme, host = _parts(url)
    if scheme == "http" and not may_be_plain and not _is_here(host):
        raise Unusable(
            f"{URL_VARIABLE} is plain http, which shows the API key to everybody on "
            f"the way; write https, or set {INSECURE_VARIABLE}=1 if that way is safe."
        )


def _parts(url: str) -> tuple[str, str]:
    try:
        parts = urlsplit(url)
        is_sound = parts.port is None or parts.port > 0
    except ValueError:
        is_sound = False
    if (
        not is_sound
        or parts.scheme not in {"http", "https"}
        or not parts.hostname
        or "@" in parts.netloc
        or re.search(r"[\s?#]", url)
    ):
        raise Unusable(
            f"{URL_VARIABLE} is not where an API is served; write it as in "
            "https://handrail.example.com, without a user, a query or a fragment."
        )
    return parts.scheme, parts.hostname


def _is_here(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _check_key(key: str) -> None:
    if not key:
        raise Unusable(
            f"{KEY_VARIABLE} is not set; an admin makes a key with "
            "`handrail key create`, to be kept where the CI keeps its secrets."
        )
    if not _KEY.fullmatch(key):
        raise Unusable(
            f"{KEY_VARIABLE} is cut or mixed up; a key is written hr_…_…, as "
            "`handrail key create` printed it."
        )
