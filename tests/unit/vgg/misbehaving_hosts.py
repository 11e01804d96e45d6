"""Hosts on this machine that answer as a test wants: with a file, with a page, or never."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress


@contextmanager
def host_that(answer: Callable[[socket.socket], None]) -> Iterator[str]:
    """A host on this machine that treats each connection by ``answer``; yields "127.0.0.1:PORT"."""
    listening = socket.create_server(("127.0.0.1", 0))
    connections: list[socket.socket] = []

    def serve() -> None:
        while True:
            try:
                connection, _ = listening.accept()
            except OSError:  # closed below
                return
            connections.append(connection)
            threading.Thread(target=attend, args=(connection,), daemon=True).start()

    def attend(connection: socket.socket) -> None:
        with suppress(OSError):
            answer(connection)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield f"127.0.0.1:{listening.getsockname()[1]}"
    finally:
        listening.shutdown(socket.SHUT_RDWR)
        listening.close()
        thread.join()
        for connection in connections:
            connection.close()


def silence(connection: socket.socket) -> None:
    """Accept and say nothing, as a proxy that hangs."""


def serving(body: bytes, kind: str = "application/octet-stream") -> Callable[[socket.socket], None]:
    """Answer every request with ``body``."""
    head = (
        f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    )

    def answer(connection: socket.socket) -> None:
        connection.recv(1 << 16)
        connection.sendall(head.encode() + body)
        connection.shutdown(socket.SHUT_RDWR)

    return answer


SIGN_IN_PAGE = serving(b"<html><body>Please sign in</body></html>", "text/html")
