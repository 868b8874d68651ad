"""The copy of its output that a container keeps, as its engine hands it out."""

import tarfile
from collections.abc import Iterator
from hashlib import sha256
from typing import Final

import docker
import requests
from docker.errors import DockerException
from docker.utils import decode_json_header

from runner.docker.calls import Calls
from runner.docker.workspace import BELOW_A_FILE
from runner.driver import KEPT_OUTPUT

_WHICH: Final = {"path": KEPT_OUTPUT}
_PIECE: Final = 1 << 18  #: bytes

#: In the mode that the Engine API tells, of all that is no file (Go's fs.ModeType).
_NO_FILE: Final = sum(1 << bit for bit in (31, 27, 26, 25, 24, 21, 19))


class KeptOutput:
    """What the container *name* has kept of all that it printed."""

    def __init__(self, calls: Calls, name: str) -> None:
        self._calls = calls
        self._name = name
        self._digest = sha256()

    @property
    def digest(self) -> bytes:
        """The SHA-256 of all that the last reading found, from the first byte."""
        return self._digest.digest()

    def size(self) -> int | None:
        """Return how many bytes it has by now; None where nothing is kept."""
        api = self._calls.api
        answer = api.head(self._url(api), params=_WHICH, timeout=api.timeout)
        if answer.status_code == requests.codes.not_found:
            return None
        if not answer.ok:
            return self._absent()
        about = decode_json_header(answer.headers["X-Docker-Container-Path-Stat"])
        return None if about["mode"] & _NO_FILE else int(about["size"])

    def read(self, start: int) -> Iterator[bytes]:
        """Yield what it has from the byte *start* on, up to its end of this moment."""
        self._digest = sha256()
        at = 0
        for piece in self._pieces():
            self._digest.update(piece)
            if fresh := piece[max(start - at, 0) :]:
                yield fresh
            at += len(piece)

    def _absent(self) -> int | None:
        """Return that there can be no such file, or raise what else is wrong."""
        api = self._calls.api
        answer = api.get(self._url(api), params=_WHICH, timeout=api.timeout)
        if BELOW_A_FILE not in answer.text:
            answer.raise_for_status()
        return None

    def _pieces(self) -> Iterator[bytes]:
        api = self._calls.api
        with api.get(
            self._url(api),
            params=_WHICH,
            headers={"Accept-Encoding": "identity"},
            stream=True,
            timeout=(api.timeout, api.timeout),
        ) as answer:
            answer.raise_for_status()
            try:
                # It may grow meanwhile: what its header says is what is there.
                with tarfile.open(fileobj=answer.raw, mode="r|") as tar:
                    yield from _content(tar)
            except tarfile.TarError as error:
                raise DockerException(f"half of an archive: {error}") from error

    def _url(self, api: docker.APIClient) -> str:
        return f"{api.base_url}/v{api.api_version}/containers/{self._name}/archive"


def _content(tar: tarfile.TarFile) -> Iterator[bytes]:
    member = tar.next()
    file = tar.extractfile(member) if member and member.isreg() else None
    while file and (piece := file.read(_PIECE)):
        yield piece
