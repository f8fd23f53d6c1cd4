"""A thin REST client for tests, over real connections. Holds tokens; judges no answer.

Asynchronous, because it shares the event loop with the sockets of the same test: a blocking call would keep their
readers from reading and so shift what the journal shows.
"""

from __future__ import annotations

from types import TracebackType
from typing import Any, Self

import httpx

TIMEOUT_S = 10.0


class RestClient:
    """`url` is the server's, without a path. Paths are relative to `/api/v1/` unless they begin with a slash."""

    def __init__(self, url: str, *, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self.access: str | None = None
        self.refresh: str | None = None
        self.user: dict[str, Any] | None = None
        self._http = httpx.AsyncClient(base_url=url, timeout=TIMEOUT_S, trust_env=False, transport=transport)

    async def login(self, email: str, password: str, **device: str) -> Self:
        """Take the tokens of a new session; raises httpx.HTTPStatusError when refused."""
        answer = await self.post("auth/token/", {"email": email, "password": password, **device})
        answer.raise_for_status()
        self._keep(answer.json())
        return self

    async def renew(self) -> Self:
        """Exchange the refresh token for the next pair; raises httpx.HTTPStatusError when refused."""
        answer = await self.post("auth/token/refresh/", {"refresh": self.refresh})
        answer.raise_for_status()
        self._keep(answer.json())
        return self

    async def ws_ticket(self) -> str:
        answer = await self.post("ws-ticket/")
        answer.raise_for_status()
        return str(answer.json()["ticket"])

    async def get(self, path: str, **query: Any) -> httpx.Response:
        return await self.request("GET", path, params=query)

    async def post(self, path: str, json: object = None, **options: Any) -> httpx.Response:
        return await self.request("POST", path, json=json, **options)

    async def patch(self, path: str, json: object) -> httpx.Response:
        return await self.request("PATCH", path, json=json)

    async def put(self, path: str) -> httpx.Response:
        return await self.request("PUT", path)

    async def delete(self, path: str) -> httpx.Response:
        return await self.request("DELETE", path)

    async def request(self, method: str, path: str, **options: Any) -> httpx.Response:
        """Any request, with the bearer token when there is one; `headers` given win."""
        bearer = {"Authorization": f"Bearer {self.access}"} if self.access else {}
        headers = bearer | (options.pop("headers", None) or {})
        where = path if path.startswith(("/", "http")) else f"/api/v1/{path}"
        return await self._http.request(method, where, headers=headers, **options)

    def _keep(self, tokens: dict[str, Any]) -> None:
        self.access, self.refresh = tokens["access"], tokens["refresh"]
        self.user = tokens.get("user", self.user)

    async def close(self) -> None:
        await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()
