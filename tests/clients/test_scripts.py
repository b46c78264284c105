"""Scripts at an address: what is taken, and what is refused."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from ensue.clients import scripts

PATHS = {
    "/a.sh": (200, b"echo a\n"),
    "/moved.sh": (302, b""),
    "/big.sh": (200, b"x" * (scripts.MOST + 1)),
    "/bytes": (200, b"\xff"),
}


class Answering(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        status, body = PATHS.get(self.path, (404, b""))
        self.send_response(status)
        self.send_header("Location", "/a.sh")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        return


@pytest.fixture
def address() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Answering)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


def test_a_script_is_fetched(address: str) -> None:
    assert scripts.fetch(f"{address}/a.sh") == "echo a\n"


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("/none.sh", "the server answers 404"),
        ("/moved.sh", "the server answers 302"),
        ("/big.sh", "it has more than 1048576 bytes"),
        ("/bytes", "utf-8"),
    ],
)
def test_all_else_is_refused(address: str, path: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        scripts.fetch(f"{address}{path}")


def test_a_server_that_is_not_there_is_said() -> None:
    with pytest.raises(ValueError, match=r"\w"):
        scripts.fetch("http://127.0.0.1:9/a.sh")
