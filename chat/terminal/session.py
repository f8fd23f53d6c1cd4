"""The login of one person over REST: tokens, their rotation, and calls that use them; knows no sockets."""

import asyncio
from typing import Any, Self
from urllib.parse import urlsplit

import httpx

from chat.terminal.errors import (
    CodeNeededError,
    LoginRefusedError,
    RefusedError,
    ServerUnreachableError,
    SessionEndedError,
)

TIMEOUT = 10.0
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


def is_local(url: str) -> bool:
    return urlsplit(url).hostname in LOOPBACK


class Session:
    """Holds the access and the refresh token; both stay in memory only."""

    def __init__(self, url: str, *, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self.url = url.rstrip("/")
        self.access = ""
        self.user: dict[str, Any] = {}
        self._refresh = ""
        self._renewing = asyncio.Lock()
        self._http = httpx.AsyncClient(
            base_url=f"{self.url}/api/v1/",
            timeout=TIMEOUT,
            transport=transport,
            # A proxy from the environment has no way to this machine.
            trust_env=not is_local(url),
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.aclose()

    async def login(self, email: str, password: str, otp: str | None = None) -> None:
        """Start a session of its own for this terminal. Raises CodeNeededError where the password is not enough."""
        body = {"email": email, "password": password, "device_name": "terminal"} | ({"otp": otp} if otp else {})
        response = await self._request("POST", "auth/token/", body)
        if response.status_code == 401 and (wanted := _what_code(response)):
            raise CodeNeededError(wanted)
        if response.status_code in (400, 401, 403):
            raise LoginRefusedError(f"{self.url} does not accept this e-mail and password.")
        tokens = _answer(response)
        self.access, self._refresh, self.user = tokens["access"], tokens["refresh"], tokens["user"]

    async def renew(self) -> None:
        """Rotate the tokens. After a lost response the same refresh token is good for another try."""
        used = self.access
        async with self._renewing:
            if self.access != used:
                return  # another caller has renewed meanwhile
            response = await self._request("POST", "auth/token/refresh/", {"refresh": self._refresh})
            if response.status_code in (400, 401, 403):
                raise SessionEndedError("This session has ended. Please log in again.")
            tokens = _answer(response)
            self.access, self._refresh = tokens["access"], tokens["refresh"]

    async def get(self, path: str, **params: str | int) -> dict[str, Any]:
        """GET a path below /api/v1/, renewing the token once when it has expired."""
        response = await self._request("GET", path, params=params)
        if response.status_code == 401:
            await self.renew()
            response = await self._request("GET", path, params=params)
        return _answer(response)

    async def logout(self) -> None:
        """End the session on the server. Leaving must work without it: the tokens are forgotten either way."""
        if self._refresh:
            await self._request("POST", "auth/logout/", {"refresh": self._refresh})
        self.access = self._refresh = ""

    async def _request(
        self,
        method: str,
        path: str,
        body: dict[str, str] | None = None,
        params: dict[str, Any] | None = None,
    ) -> httpx.Response:
        # The token calls answer for themselves; an expired bearer token must not get in their way.
        bare = path.startswith("auth/token/")
        headers = {} if bare or not self.access else {"Authorization": f"Bearer {self.access}"}
        try:
            return await self._http.request(method, path, json=body, params=params, headers=headers)
        except httpx.HTTPError as error:
            raise ServerUnreachableError(f"Cannot reach {self.url}: {error or type(error).__name__}") from error


def _what_code(response: httpx.Response) -> str | None:
    """What a refused sign-in says of the code it wants; None when it is about something else."""
    try:
        errors = response.json()["errors"]
        return next((str(error["detail"]) for error in errors if error["pointer"] == "/otp"), None)
    except (ValueError, LookupError, TypeError):
        return None


def _answer(response: httpx.Response) -> dict[str, Any]:
    """The JSON object of a success; an error as its problem document says it."""
    try:
        answer = response.json()
    except ValueError:
        answer = None
    if response.status_code >= 500 or response.status_code == 429:
        raise ServerUnreachableError(f"The server is busy or failing ({response.status_code}).")
    if not isinstance(answer, dict):
        raise ServerUnreachableError(f"No readable answer from the server ({response.status_code}).")
    if response.status_code >= 400:
        raise RefusedError(response.status_code, str(answer.get("code", "")), str(answer.get("detail", "")))
    return answer
