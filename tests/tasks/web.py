"""A web server on this host for tests: it echoes what it is asked, and misbehaves on demand."""

from __future__ import annotations

import contextlib
import gzip
import ipaddress
import json
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit


class Handler(BaseHTTPRequestHandler):
    """Answers by path."""

    protocol_version = "HTTP/1.1"
    server: Web

    def log_message(self, *_: object) -> None:
        pass

    def handle_any(self) -> None:
        length = int(self.headers.get("content-length") or 0)
        body = self.rfile.read(length)
        url = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(url.query).items()}
        self.server.asked.append((self.command, self.path, dict(self.headers), body))
        kind, _, rest = url.path.lstrip("/").partition("/")
        getattr(self, f"do_{kind}", self.echo)(rest, query, body)

    def __getattr__(self, name: str) -> Any:
        # The base class looks for one method per verb.
        if name.startswith("do_") and name[3:].isupper():
            return self.handle_any
        raise AttributeError(name)

    def answer(self, data: bytes, code: int = 200, **headers: str) -> None:
        self.send_response(code)
        for name, value in {"Content-Length": str(len(data)), **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def echo(self, rest: str, query: dict[str, str], body: bytes) -> None:
        told = {
            "method": self.command,
            "path": self.path,
            "headers": {name.lower(): value for name, value in self.headers.items()},
            "body": body.decode("latin-1"),
        }
        self.answer(json.dumps(told).encode(), Content_Type="application/json")

    def do_code(self, rest: str, query: dict[str, str], body: bytes) -> None:
        self.answer(b"nothing here", int(rest), Content_Type="text/plain")

    def do_to(self, rest: str, query: dict[str, str], body: bytes) -> None:
        self.answer(b"", int(query.get("code", "302")), Location=query["url"])

    def do_loop(self, rest: str, query: dict[str, str], body: bytes) -> None:
        self.answer(b"", 302, Location=f"/loop/{len(rest)}")

    def do_latin(self, rest: str, query: dict[str, str], body: bytes) -> None:
        self.answer(b"gr\xfcn", Content_Type="text/plain; charset=iso-8859-1")

    def do_cookies(self, rest: str, query: dict[str, str], body: bytes) -> None:
        self.send_response(200)
        for value in ("a=1", "b=2"):
            self.send_header("Set-Cookie", value)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def do_bomb(self, rest: str, query: dict[str, str], body: bytes) -> None:
        self.answer(gzip.compress(b"\0" * int(rest)), Content_Encoding="gzip")

    def do_endless(self, rest: str, query: dict[str, str], body: bytes) -> None:
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        while True:
            try:
                self.wfile.write(b"400\r\n" + b"x" * 1024 + b"\r\n")
            except OSError:
                self.close_connection = True
                return

    def do_events(self, rest: str, query: dict[str, str], body: bytes) -> None:
        """Send three events, or one after the other until nobody listens any more."""
        events = [b'data: {"message": "a"}\n\n', b'data: {"message": "b"}\n\n', b"data: plain\n\n"]
        if "endless" not in query:
            self.answer(b"".join(events), Content_Type="text/event-stream")
            return
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        self.close_connection = True
        with contextlib.suppress(OSError):
            while not self.server.released.is_set():
                self.wfile.write(events[0])

    def do_silent(self, rest: str, query: dict[str, str], body: bytes) -> None:
        self.server.reached.set()
        self.server.released.wait(60)
        self.close_connection = True

    def do_file(self, rest: str, query: dict[str, str], body: bytes) -> None:
        headers = {"Content_Disposition": query["as"]} if "as" in query else {}
        self.answer(b"a,b\n1,2\n", **headers)


class Web(ThreadingHTTPServer):
    """The server; ``asked`` holds what it was asked."""

    daemon_threads = True

    def __init__(self, certificate: Path | None = None) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked: list[tuple[str, str, dict[str, str], bytes]] = []
        self.reached, self.released = threading.Event(), threading.Event()
        self.scheme = "http"
        if certificate is not None:
            self.scheme = "https"
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            self.socket = context.wrap_socket(self.socket, server_side=True)

    def handle_error(self, request: object, client_address: object) -> None:
        pass

    @property
    def url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.server_address[1]}"


@contextmanager
def web(certificate: Path | None = None) -> Iterator[Web]:
    """Run a server."""
    server = Web(certificate)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield server
    finally:
        server.released.set()
        server.shutdown()
        thread.join()
        server.server_close()


def make_certificate(path: Path) -> Path:
    """Write a self-signed certificate for 127.0.0.1 and its key into one file."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test")])
    now = datetime.now(UTC)
    address = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(address, critical=False)
        .sign(key, hashes.SHA256())
    )
    plain = serialization.NoEncryption()
    form = serialization.PrivateFormat.PKCS8
    pem = serialization.Encoding.PEM
    path.write_bytes(key.private_bytes(pem, form, plain) + made.public_bytes(pem))
    return path
