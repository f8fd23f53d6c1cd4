"""A relay between a process and its PostgreSQL, which can begin to fail for the quick lane's connections alone."""

import socket
import struct
import threading
from contextlib import suppress
from enum import Enum, auto

RESET = struct.pack("ii", 1, 0)  # SO_LINGER: close with RST


class Fault(Enum):
    SILENCE = auto()  # whatever is said, nothing comes back
    LAST_WORDS = auto()  # a FATAL and a reset at once, as from a backend that dies with unread input


class Between:
    """Listens on `port` until `close`. A `fault` is for the next query of a connection that prepared the statement."""

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.fault: Fault | None = None
        self.lanes = 0  # connections of quick lanes so far
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self.fault = None
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = self._connect()
                threading.Thread(target=self._up, args=(client, server), daemon=True).start()
                threading.Thread(target=self._down, args=(client, server), daemon=True).start()

    def _connect(self) -> socket.socket:
        host, port = self._target
        if not host.startswith("/"):
            return socket.create_connection(self._target)
        server = socket.socket(socket.AF_UNIX)
        server.connect(f"{host}/.s.PGSQL.{port}")
        return server

    def _up(self, client: socket.socket, server: socket.socket) -> None:
        is_lane = False
        with suppress(OSError):
            while data := client.recv(65_536):
                if is_lane and self.fault is Fault.LAST_WORDS:
                    client.sendall(_fatal())
                    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
                    socket.close(client.detach())
                    break
                if b"parley_send_plain" in data and not is_lane:
                    is_lane = True
                    self.lanes += 1
                if not (is_lane and self.fault is Fault.SILENCE):
                    server.sendall(data)
        with suppress(OSError):
            server.shutdown(socket.SHUT_RDWR)

    def _down(self, client: socket.socket, server: socket.socket) -> None:
        with suppress(OSError):
            while data := server.recv(65_536):
                client.sendall(data)
        server.close()
        if client.fileno() >= 0:
            client.close()


def _fatal() -> bytes:
    fields = b"SFATAL\0VFATAL\0C57P01\0Mterminating connection due to administrator command\0\0"
    return b"E" + struct.pack("!I", len(fields) + 4) + fields
