"""Signing in with an authenticator: the code goes along where it was given, and its absence is told as such."""

import json

import httpx
import pytest

from chat.terminal.errors import CodeNeededError, LoginRefusedError
from chat.terminal.session import Session

REFUSAL = {
    "code": "unauthenticated",
    "errors": [{"pointer": "/otp", "detail": "A code is needed.", "code": "otp_required"}],
}


def answer(request: httpx.Request) -> httpx.Response:
    body = json.loads(request.content)
    if body["password"] != "right":
        return httpx.Response(401, json={"code": "unauthenticated"})
    if body.get("otp") != "123456":
        return httpx.Response(401, json=REFUSAL)
    return httpx.Response(200, json={"access": "a", "refresh": "r", "user": {"id": "tina"}})


async def test_a_code_goes_along_and_a_missing_or_wrong_one_is_told_as_such():
    async with Session("http://127.0.0.1:1", transport=httpx.MockTransport(answer)) as session:
        for otp in (None, "", "000000"):
            with pytest.raises(CodeNeededError, match="A code is needed"):
                await session.login("tina@example.com", "right", otp)
        with pytest.raises(LoginRefusedError):
            await session.login("tina@example.com", "wrong", "123456")

        await session.login("tina@example.com", "right", "123456")

    assert session.user == {"id": "tina"}


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"errors": 1}', '{"errors": [1]}', '{"errors": []}'])
async def test_an_answer_that_says_nothing_of_a_code_is_a_refused_login(text):
    transport = httpx.MockTransport(lambda request: httpx.Response(401, text=text))
    async with Session("http://127.0.0.1:1", transport=transport) as session:
        with pytest.raises(LoginRefusedError):
            await session.login("tina@example.com", "right")
