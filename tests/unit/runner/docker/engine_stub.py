"""An engine that answers as it was told to, over a socket like a real one's."""

import io
import json
import socketserver
import tarfile
import threading
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path

VERSION = {"ApiVersion": "1.41", "Version": "20.10"}


class EngineStub(socketserver.ThreadingUnixStreamServer):
    """Has one container, and *logs*, one for each reading.

    Each of *looks* says whether the container runs and what its copy of the output
    has, None for no copy, from one look at it to the next; the last is for good.
    """

    daemon_threads = True

    def __init__(self, path: Path) -> None:
        super().__init__(str(path), _Answers)
        self.url = f"unix://{path}"
        self.logs: list[bytes] = []
        self.log_status = 200
        self.looks: list[tuple[bool, bytes | None]] = [(False, None)]
        self.copy: bytes | None = None
        self.readings = 0  # of the copy
        self.code = 0
        self.refusal = ""  # of a pull
        self.pulling = threading.Event()
        self.image_arrives = threading.Event()


class _Answers(BaseHTTPRequestHandler):
    server: EngineStub

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        if path.endswith("/_ping"):
            self._answer(200, b"OK")
        elif path.endswith("/version"):
            self._answer(200, json.dumps(VERSION).encode())
        elif path.endswith("/logs"):
            self._answer(self.server.log_status, self.server.logs.pop(0))
        elif path.endswith("/archive") and self.server.copy is not None:
            self.server.readings += 1
            self._answer(200, packed(self.server.copy))
        elif "/containers/" in path:
            state = {"Running": self._look(), "ExitCode": self.server.code}
            self._answer(200, json.dumps({"State": state}).encode())
        else:
            self._answer(404, b'{"message": "No such image"}')

    def do_HEAD(self) -> None:
        copy = self.server.copy
        self.send_response(404 if copy is None else 200)
        about = {"mode": 0o644, "size": len(copy or b""), "linkTarget": ""}
        told = b64encode(json.dumps(about).encode()).decode()
        self.send_header("X-Docker-Container-Path-Stat", told)
        self.end_headers()

    def _look(self) -> bool:
        looks = self.server.looks
        running, self.server.copy = looks.pop(0) if len(looks) > 1 else looks[0]
        return running

    def do_POST(self) -> None:
        if refusal := self.server.refusal:
            self._answer(500, json.dumps({"message": refusal}).encode())
            return
        self.send_response(200)
        self.end_headers()
        self.server.pulling.set()
        self.server.image_arrives.wait()

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.removesuffix(CUT))

    def address_string(self) -> str:
        return "a client"

    def log_message(self, *args: object) -> None:
        pass


def packed(copy: bytes) -> bytes:
    """Return *copy* as an engine hands it out."""
    archive, member = io.BytesIO(), tarfile.TarInfo("output")
    member.size = len(copy)
    with tarfile.open(fileobj=archive, mode="w") as tar:
        tar.addfile(member, io.BytesIO(copy))
    return archive.getvalue()


#: At the end of a log: the connection is lost there.
CUT = b"\0cut\0"


@contextmanager
def engine_stub(path: Path) -> Iterator[EngineStub]:
    """Yield an engine at the socket *path*."""
    with EngineStub(path) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server
        finally:
            server.image_arrives.set()
            server.shutdown()
            thread.join()
