"""An engine that answers as it was told to, over a socket like a real one's."""

import json
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path

VERSION = {"ApiVersion": "1.41", "Version": "20.10"}


class EngineStub(socketserver.ThreadingUnixStreamServer):
    """Has one container, which has ended, and *logs*, one for each reading."""

    daemon_threads = True

    def __init__(self, path: Path) -> None:
        super().__init__(str(path), _Answers)
        self.url = f"unix://{path}"
        self.logs: list[bytes] = []
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
            self._answer(200, self.server.logs.pop(0))
        elif "/containers/" in path:
            self._answer(200, json.dumps({"State": {"Running": False}}).encode())
        else:
            self._answer(404, b'{"message": "No such image"}')

    def do_POST(self) -> None:
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
