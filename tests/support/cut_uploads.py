"""A way to a server on which the first upload of an archive breaks off in its middle, as when a machine is lost."""

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator

from servers import free_port


class _Cut(Exception):
    """The upload was cut, and its connection is to end."""


class _Way:
    def __init__(self, server: int, name: str, cut: Callable[[], None]):
        self._server, self._name, self._cut, self._armed = server, name.encode(), cut, True
        self._lock = threading.Lock()

    def serve(self, listening: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = listening.accept()
                server = socket.create_connection(("127.0.0.1", self._server))
                for pump in (self._forward, self._back):
                    threading.Thread(target=pump, args=(client, server), daemon=True).start()

    def _forward(self, client: socket.socket, server: socket.socket) -> None:
        cutting = False
        with contextlib.suppress(OSError, _Cut), client, server:
            while data := client.recv(1 << 16):
                if not cutting and self._is_it(data):
                    cutting = True
                    head, end, data = data.partition(b"\r\n\r\n")
                    server.sendall(head + end)
                if cutting and data:
                    server.sendall(data[: len(data) // 2])
                    self._cut()
                    raise _Cut
                server.sendall(data)

    def _is_it(self, data: bytes) -> bool:
        with self._lock:
            first = data.partition(b"\r\n")[0]
            if self._armed and first.startswith(b"PUT ") and self._name in first:
                self._armed = False
                return True
        return False

    def _back(self, client: socket.socket, server: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := server.recv(1 << 16):
                client.sendall(data)
        with contextlib.suppress(OSError):
            client.shutdown(socket.SHUT_RDWR)


@contextlib.contextmanager
def first(server: int, name: str, cut: Callable[[], None]) -> Iterator[int]:
    """Yield the port of a way to a server's. In the first upload of what has this in its name, `cut` is called."""
    port = free_port()
    with socket.create_server(("127.0.0.1", port)) as listening:
        threading.Thread(target=_Way(server, name, cut).serve, args=(listening,), daemon=True).start()
        yield port
        listening.shutdown(socket.SHUT_RDWR)
