"""An answer that is larger or slower than any of Expo's is given up, and counts as none."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from notifications import expo
from notifications.expo import RequestFailed, Trouble

PAYLOAD = {"to": "ExpoPushToken[one]", "body": "Hello"}


def test_an_answer_too_large_is_not_read_to_its_end(stub, monkeypatch):
    assert expo.send([PAYLOAD])[0].ticket
    monkeypatch.setattr(expo, "MAX_ANSWER", 10)

    with pytest.raises(RequestFailed, match="ContentDecodingError") as raised:
        expo.send([PAYLOAD])

    assert raised.value.trouble is Trouble.UNANSWERED


def test_an_answer_that_trickles_in_is_given_up_after_the_time_limit(settings):
    left = threading.Event()

    class Trickle(BaseHTTPRequestHandler):
        def do_POST(self):
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(200)
            self.send_header("Content-Length", "1000000")
            self.end_headers()
            while not left.wait(0.002):
                try:
                    self.wfile.write(b" " * 16)
                except OSError:
                    left.set()

        def log_message(self, *args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Trickle)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    settings.EXPO_URL = f"http://127.0.0.1:{server.server_address[1]}"
    settings.PUSH_TIMEOUT = settings.PUSH_TIMEOUT / 50
    try:
        with pytest.raises(RequestFailed) as raised:
            expo.send([PAYLOAD])
        assert raised.value.trouble is Trouble.UNANSWERED
        assert left.wait(5), "the connection was kept"
    finally:
        left.set()
        server.shutdown()
        server.server_close()
