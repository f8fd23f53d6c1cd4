"""A server process can be started, stopped, killed, frozen and started again on the same port."""

from __future__ import annotations

import signal

import httpx
import pytest

from testing import server as server_module
from testing.client import SocketClient
from testing.process import ProcessFailed
from testing.server import ServerProcess

APP = "testing.tests.tiny_app:application"


@pytest.mark.parametrize("name", ["uvicorn", "daphne"])
async def test_it_serves_http_and_sockets(name):
    with ServerProcess(app=APP, server=name) as server:
        assert httpx.get(f"{server.http_url}/readyz", trust_env=False).text == "ready"
        async with await SocketClient.connect(server.ws_url, wait=False) as client:
            await client.send({"type": "ping"})
            await client.wait_for(lambda frame: frame == {"type": "ping"})


def test_it_comes_back_on_the_same_port_after_a_stop_and_after_a_kill():
    with ServerProcess(app=APP) as server:
        url = server.http_url
        assert server.terminate() in (0, -signal.SIGTERM)
        server.restart()
        server.kill()
        assert server.exit_code == -signal.SIGKILL
        server.restart()

        assert server.http_url == url
        assert server.log.count("Started server process") == 3


def test_a_paused_server_answers_after_resuming():
    with ServerProcess(app=APP) as server:
        server.pause()
        with pytest.raises(httpx.ReadTimeout):
            httpx.get(f"{server.http_url}/readyz", timeout=0.2, trust_env=False)
        server.resume()

        assert httpx.get(f"{server.http_url}/readyz", trust_env=False).status_code == 200


def test_a_server_that_cannot_start_says_why():
    with pytest.raises(ProcessFailed, match="no_such_module"):
        ServerProcess(app="no_such_module:application").start()


def test_a_server_that_is_never_ready_is_ended(monkeypatch):
    monkeypatch.setattr(server_module, "READY_TIMEOUT_S", 1.0)
    server = ServerProcess({"READY": "no"}, app=APP)

    with pytest.raises(ProcessFailed, match=r"not ready after 1 s[\s\S]*GET /readyz"):
        server.start()

    assert server.exit_code == -signal.SIGKILL


def test_our_environment_does_not_leak_into_the_server(monkeypatch):
    monkeypatch.setenv("DATABASE_URL", "postgres://somewhere/else")

    assert "DATABASE_URL" not in ServerProcess(app=APP).process.env
