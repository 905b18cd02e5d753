"""Servers on loopback that refuse whom they do not know, and say what secret they were sent."""

from __future__ import annotations

import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import BaseServer, StreamRequestHandler, ThreadingTCPServer

_POSTGRES_TLS = {80877103, 80877104}
"""Codes of Postgres' requests for TLS and for GSSAPI."""


class Http(BaseHTTPRequestHandler):
    """An API or a bucket: repeats the headers in which a key or a token can stand."""

    def refuse(self) -> None:
        """Answer any request."""
        names = ("Authorization", "X-Amz-Security-Token")
        said = ", ".join(f"{name} {self.headers[name]}" for name in names if name in self.headers)
        body = b"" if self.command == "HEAD" else f"<Error>unknown: {said}</Error>".encode()
        self.send_response(401 if self.command == "POST" else 403, f"unknown: {said}")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = refuse

    def log_message(self, *_args: object) -> None:
        """Say nothing."""


class Postgres(StreamRequestHandler):
    """Postgres: asks for the password in the clear, and repeats it.

    See https://www.postgresql.org/docs/current/protocol-message-formats.html.
    """

    def handle(self) -> None:
        """Answer one connection."""
        while True:
            head = self.rfile.read(8)
            if len(head) < 8:
                return
            length, code = struct.unpack("!II", head)
            if code not in _POSTGRES_TLS:
                break
            self.wfile.write(b"N")
        self.rfile.read(length - 8)
        self.wfile.write(struct.pack("!cII", b"R", 8, 3))
        _kind, length = struct.unpack("!cI", self.rfile.read(5))
        password = self.rfile.read(length - 4).rstrip(b"\0")
        error = b"SFATAL\0VFATAL\0C28P01\0Munknown: " + password + b"\0\0"
        self.wfile.write(struct.pack("!cI", b"E", len(error) + 4) + error)


class Redis(StreamRequestHandler):
    """Redis: refuses every command, and repeats it."""

    def handle(self) -> None:
        """Answer one connection."""
        while count := self.rfile.readline().strip().removeprefix(b"*"):
            words = []
            for _ in range(int(count)):
                self.rfile.readline()
                words.append(self.rfile.readline().strip())
            self.wfile.write(b"-WRONGPASS unknown: " + b" ".join(words) + b"\r\n")


@contextmanager
def echoing(kind: type[Http] | type[Postgres] | type[Redis]) -> Iterator[int]:
    """Run such a server; give its port."""
    server: BaseServer
    if issubclass(kind, Http):
        server = ThreadingHTTPServer(("127.0.0.1", 0), kind)
    else:
        server = ThreadingTCPServer(("127.0.0.1", 0), kind)
        server.daemon_threads = True
    with server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()
