"""A mail server for the demonstration: takes messages on this machine and keeps them as files; sends nothing."""

from __future__ import annotations

import socketserver
from pathlib import Path
from threading import Thread
from typing import Self

_LIMIT = 10 * 1024 * 1024


class _Conversation(socketserver.StreamRequestHandler):
    """One client; answers the few commands of RFC 5321 that a client needs to hand over a message."""

    server: MailSink

    def handle(self) -> None:
        self._say("220 demonstration, nothing is sent")
        while line := self.rfile.readline(1024):
            command = line.split()[:1]
            match command[0].upper() if command else b"":
                case b"EHLO" | b"HELO" | b"MAIL" | b"RCPT" | b"RSET" | b"NOOP":
                    self._say("250 ok")
                case b"DATA":
                    self._say("354 end with a dot")
                    self.server.keep(self._message())
                    self._say("250 kept")
                case b"QUIT":
                    self._say("221 bye")
                    return
                case _:
                    self._say("502 not here")

    def _say(self, reply: str) -> None:
        self.wfile.write(reply.encode() + b"\r\n")

    def _message(self) -> bytes:
        lines: list[bytes] = []
        size = 0
        while (line := self.rfile.readline()) not in {b".\r\n", b".\n", b""} and size < _LIMIT:
            size += len(line)
            lines.append(line.removeprefix(b".") if line.startswith(b"..") else line)
        return b"".join(lines)


class MailSink(socketserver.ThreadingTCPServer):
    """Listens on a free port of this machine; messages become ``1.eml``, ``2.eml`` … in a folder."""

    daemon_threads = True

    def __init__(self, folder: Path) -> None:
        super().__init__(("127.0.0.1", 0), _Conversation)
        self._folder = folder
        self.kept: list[Path] = []

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self.server_address[1])

    def keep(self, message: bytes) -> None:
        """Write a message to the folder."""
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self._folder / f"{len(self.kept) + 1}.eml"
        path.write_bytes(message)
        self.kept.append(path)

    def __enter__(self) -> Self:
        Thread(target=self.serve_forever, name="gov-demo-mail", daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self.server_close()
