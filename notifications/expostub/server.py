"""The stub over HTTP, on 127.0.0.1 alone: Expo's two endpoints, faults to order, and a page that shows the phones."""

import json
import socket
import threading
import time
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

from notifications.expostub import page, rules
from notifications.expostub.store import Fault, Store

HOST = "127.0.0.1"
MAX_BODY = 2 * 1024 * 1024
API = "/--/api/v2/push"


class ExpoStub:
    """A context manager. `port` 0 takes a free one; started again, it keeps it, so it can be away for a while."""

    def __init__(self, port: int = 0, *, access_token: str = "", command: str = "") -> None:
        self.port = port
        self.command = command  # what the page says to type for a push to arrive
        self.access_token = access_token
        self.store = Store()
        self.stopping = threading.Event()
        self._server: _Server | None = None

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"

    @property
    def pushes(self) -> list[dict[str, Any]]:
        """Accepted ones, in order: `payload`, `ticket`, `received_at`."""
        return self.store.listed()["pushes"]  # type: ignore[no-any-return]

    def fault(self, kind: str, times: int = 1, **options: Any) -> None:
        self.store.add(Fault(kind, times, **options))

    def clear_faults(self) -> None:
        self.store.clear_faults()

    def start(self) -> Self:
        """Raises OSError when the port is taken."""
        self.stopping.clear()
        self._server = _Server((HOST, self.port), _Handler)
        self._server.stub = self
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.05,), name="expo-stub", daemon=True).start()
        return self

    def stop(self) -> None:
        """From now on connections are refused; what hangs is cut."""
        self.stopping.set()
        server, self._server = self._server, None
        if server is not None:
            server.shutdown()
            server.server_close()
            server.cut_connections()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 64
    stub: ExpoStub

    def __init__(self, address: tuple[str, int], handler: type[BaseHTTPRequestHandler]) -> None:
        super().__init__(address, handler)
        self._open: set[socket.socket] = set()

    def process_request(self, request: Any, client_address: Any) -> None:
        self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._open.discard(request)
        super().shutdown_request(request)

    def cut_connections(self) -> None:
        """Clients keep theirs open for the next request; a server that is away does not answer on them either."""
        for connection in list(self._open):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is no news."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def log_message(self, format: str, *args: object) -> None:
        """Tokens stand in no log."""

    def do_GET(self) -> None:
        if not self._is_from_here():
            return
        store, path = self.server.stub.store, self.path.partition("?")[0]
        if path == "/":
            self._write(200, page.render(store.shown(), self.server.stub.command), page.HEADERS, page.HTML)
        elif path == "/phones.json":
            self._answer(200, store.shown(), page.HEADERS)
        elif path == "/pushes.json":
            self._answer(200, store.listed(), page.HEADERS)
        elif (file := page.file(path)) is not None:
            self._write(200, file[0], page.HEADERS, file[1])
        else:
            self._refuse(404, "NOT_FOUND", "There is nothing here.")

    def _is_from_here(self) -> bool:
        """Not from a page of another site, nor through a name that somebody else points at this machine."""
        host = self.headers.get("Host", "").rpartition(":")[0]
        origin = self.headers.get("Origin")
        if host in (HOST, "localhost") and origin in (None, f"http://{host}:{self.server.stub.port}"):
            return True
        self._refuse(403, "FORBIDDEN", "Only for this machine.")
        return False

    def do_POST(self) -> None:
        body = self._read()
        if body is None or not self._is_from_here():
            return
        if self.path == "/control":
            self._control(body)
        elif not self._is_allowed():
            self._refuse(401, "UNAUTHORIZED", "The access token is missing or wrong.")
        elif self.path.partition("?")[0] == f"{API}/send":
            self._send(body if isinstance(body, list) else [body])
        elif self.path == f"{API}/getReceipts":
            self._receipts(body)
        else:
            self._refuse(404, "NOT_FOUND", "There is nothing here.")

    def _read(self) -> Any:
        length = self.headers.get("Content-Length", "")
        if not length.isdigit() or int(length) > MAX_BODY:
            self.close_connection = True
            return self._refuse(413, "PAYLOAD_TOO_LARGE", "This is too much.")
        try:
            return json.loads(self.rfile.read(int(length)))
        except ValueError:
            return self._refuse(400, "VALIDATION_ERROR", "This is no JSON.")

    def _is_allowed(self) -> bool:
        wanted = self.server.stub.access_token
        return not wanted or self.headers.get("Authorization") == f"Bearer {wanted}"

    def _send(self, payloads: list[Any]) -> None:
        store = self.server.stub.store
        fault = store.next_fault()
        if fault is not None:
            self._fail(fault, payloads)
        elif not payloads or not all(isinstance(payload, dict) for payload in payloads):
            self._refuse(400, "VALIDATION_ERROR", "A push is an object.")
        elif len(payloads) > rules.MAX_BATCH:
            self._refuse(400, "PUSH_TOO_MANY_NOTIFICATIONS", f"At most {rules.MAX_BATCH} at once.")
        elif not store.rate.take(len(payloads), time.monotonic()):
            self._refuse(429, "TOO_MANY_REQUESTS", "Too many a second.", retry_after="1")
        else:
            self._answer(200, {"data": store.accept(payloads)})

    def _fail(self, fault: Fault, payloads: list[Any]) -> None:
        tickets = self.server.stub.store.accept(payloads) if fault.accept else []
        if fault.kind == "hang":
            self.server.stub.stopping.wait(fault.seconds)
            self._answer(200, {"data": tickets}) if fault.accept else self._refuse(503, "SLOW", "Too late.")
        elif fault.kind == "badjson":
            self._write(200, b'{"data": [{"status"')
        elif fault.kind == "cut":
            self.close_connection = True
            self.connection.close()
        elif fault.kind == "429":
            self._refuse(429, "TOO_MANY_REQUESTS", "Too many.", retry_after=fault.retry_after)
        else:
            self._refuse(int(fault.kind), "INTERNAL_SERVER_ERROR", "The stub was told to fail.")

    def _receipts(self, body: Any) -> None:
        ids = body.get("ids") if isinstance(body, dict) else None
        if not isinstance(ids, list) or len(ids) > rules.MAX_RECEIPTS:
            self._refuse(400, "PUSH_TOO_MANY_RECEIPTS", f"At most {rules.MAX_RECEIPTS} ids.")
        else:
            self._answer(200, {"data": self.server.stub.store.receipts(ids)})

    def _control(self, body: Any) -> None:
        """{"fault": kind, "times": n, …}, {"clear": true} or {"clear_faults": true}."""
        stub = self.server.stub
        try:
            fault = Fault.read(body)
        except (TypeError, ValueError):
            return self._refuse(400, "VALIDATION_ERROR", "There is no such fault.")
        if body.get("clear"):
            stub.store.clear()
        if body.get("clear_faults"):
            stub.clear_faults()
        if fault is not None:
            stub.store.add(fault)
        self._answer(200, {})

    def _refuse(self, status: int, code: str, message: str, *, retry_after: str = "") -> None:
        headers = {"Retry-After": retry_after} if retry_after else {}
        self._answer(status, {"errors": [{"code": code, "message": message}]}, headers)

    def _answer(self, status: int, content: Any, headers: dict[str, str] | None = None) -> None:
        self._write(status, json.dumps(content).encode(), headers)

    def _write(
        self, status: int, content: bytes, headers: dict[str, str] | None = None, kind: str = "application/json"
    ) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": kind, "Content-Length": str(len(content)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)
