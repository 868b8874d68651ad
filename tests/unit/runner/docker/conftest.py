"""An engine that does nothing but answer."""

import json
import socketserver
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from tests.unit.runner.docker.engine_stub import EngineStub, engine_stub


class Answers(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = b"OK"
        if self.path.endswith("/version"):
            body = json.dumps({"ApiVersion": "1.41"}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def address_string(self) -> str:
        return "a client"

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def answering_socket(tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "answering.sock"
    with socketserver.ThreadingUnixStreamServer(str(path), Answers) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield path
        server.shutdown()
        thread.join()


@pytest.fixture
def stub(tmp_path: Path) -> Iterator[EngineStub]:
    with engine_stub(tmp_path / "stub.sock") as engine:
        yield engine
