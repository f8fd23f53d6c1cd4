"""
Expo's push service over exponent-server-sdk, with its gaps closed: a time limit, no redirects, both spellings of a
token, one request a call so that no ticket gets lost, and every way of failing told apart. Never retries.

Limits and errors after https://docs.expo.dev/push-notifications/sending-notifications/.
"""

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import StrEnum
from typing import Any

import exponent_server_sdk as sdk
import requests
from django.conf import settings
from urllib3.exceptions import NewConnectionError

from notifications.payload import Payload

MAX_BATCH = 100
MAX_RECEIPTS = 300  # a third of what Expo allows: an answer stays small
MAX_ANSWER = 1024 * 1024  # bytes; 300 receipts with the longest of errors are a fraction of it
CHUNK = 64  # bytes waited for at once: an answer that trickles in is given up in time
RETRY_AFTER = (1.0, 3600.0)  # seconds; whatever the header says is brought between the two


class Trouble(StrEnum):
    """Why a request failed as a whole."""

    REFUSED = "refused"  # nothing arrived there
    UNANSWERED = "unanswered"  # it may have arrived
    LIMITED = "limited"  # 429
    BUSY = "busy"  # 5xx
    DENIED = "denied"  # 401 or 403: the access token
    REJECTED = "rejected"  # any other 4xx: something in it is wrong


class RequestFailed(Exception):
    def __init__(self, trouble: Trouble, reason: str, retry_after: float | None = None) -> None:
        super().__init__(reason)
        self.trouble = trouble
        self.reason = reason[:200]
        self.retry_after = retry_after


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one push: the ticket (of a receipt: empty), or Expo's word for the error."""

    ticket: str = ""
    error: str | None = None


DEVICE_NOT_REGISTERED = "DeviceNotRegistered"
RATE_EXCEEDED = "MessageRateExceeded"


class _Message(sdk.PushMessage):  # type: ignore[misc]
    """The SDK knows one spelling of a token and few of the fields; ours is ready."""

    payload: Payload

    def get_payload(self) -> Payload:
        return self.payload


def send(payloads: Sequence[Payload]) -> list[Outcome]:
    """At most MAX_BATCH pushes in one request: an outcome for each, or RequestFailed for all."""
    messages = [_message(payload) for payload in payloads]
    with _translated():
        tickets = _client().publish_multiple(messages)
        return [_outcome(ticket.is_success(), ticket.id, ticket.details, ticket.message) for ticket in tickets]


def receipts(tickets: Sequence[str]) -> dict[str, Outcome]:
    """What is known by now of these tickets, at most MAX_RECEIPTS. Raises RequestFailed."""
    asked = [sdk.PushTicket(push_message=None, status="ok", message="", details=None, id=one) for one in tickets]
    with _translated():
        found = _client().check_receipts_multiple(asked)
        return {one.id: _outcome(one.is_success(), "", one.details, one.message) for one in found}


def _message(payload: Payload) -> _Message:
    message = _Message(to=payload["to"])
    message.payload = payload
    return message


def _outcome(is_success: bool, ticket: str, details: Any, message: str) -> Outcome:
    if is_success:
        return Outcome(str(ticket or "")[:64])
    error = details.get("error") if isinstance(details, dict) else None
    return Outcome(error=str(error or message or "unknown error")[:200])


@contextmanager
def _translated() -> Iterator[None]:
    """Every way in which the SDK and requests fail, as RequestFailed."""
    try:
        yield
    except sdk.PushServerError as error:
        raise _answered(error.response, str(error.errors or error.message)) from error
    except requests.HTTPError as refusal:
        raise _answered(refusal.response, str(refusal)) from refusal
    except requests.ConnectTimeout as error:
        raise RequestFailed(Trouble.REFUSED, "no connection in time") from error
    except requests.ConnectionError as error:
        refused = isinstance(getattr(error.args[0], "reason", None), NewConnectionError) if error.args else False
        raise RequestFailed(Trouble.REFUSED if refused else Trouble.UNANSWERED, type(error).__name__) from error
    except requests.RequestException as error:
        raise RequestFailed(Trouble.UNANSWERED, type(error).__name__) from error
    except (AttributeError, KeyError, TypeError, RecursionError) as error:  # JSON of a shape that is not documented
        raise RequestFailed(Trouble.UNANSWERED, "an answer of another shape") from error


def _answered(response: requests.Response | None, reason: str) -> RequestFailed:
    assert response is not None
    status = response.status_code
    if status == 429:
        return RequestFailed(Trouble.LIMITED, reason, _retry_after(response.headers.get("Retry-After")))
    if status in (401, 403):
        return RequestFailed(Trouble.DENIED, reason)
    if 400 <= status < 500:
        return RequestFailed(Trouble.REJECTED, reason)
    if status >= 300:
        return RequestFailed(Trouble.BUSY, f"{status}: {reason}")
    return RequestFailed(Trouble.UNANSWERED, reason)


def _retry_after(value: str | None) -> float | None:
    """Seconds from now, from either form of the header (RFC 9110, 10.2.3)."""
    if value is None:
        return None
    low, high = RETRY_AFTER
    try:
        seconds = float(value) if value.strip().isdigit() else _seconds_until(parsedate_to_datetime(value))
    except (ValueError, TypeError):
        return None
    return min(max(seconds, low), high)


def _seconds_until(moment: datetime) -> float:
    return (moment.astimezone(UTC) - datetime.now(UTC)).total_seconds()


class _Session(requests.Session):
    def post(self, url: Any, *args: Any, **options: Any) -> requests.Response:
        """
        Whoever answers with another address does not get our pushes and our token; and an answer is neither larger
        nor longer on its way than one of Expo's can be.
        """
        ends = time.monotonic() + options["timeout"]
        response = super().post(url, *args, **options, allow_redirects=False, stream=True)
        body = bytearray()
        for chunk in response.iter_content(CHUNK):
            body += chunk
            if len(body) > MAX_ANSWER or time.monotonic() > ends:
                response.close()
                raise requests.exceptions.ContentDecodingError("an answer too large or too slow")
        response._content = bytes(body)
        return response


_local = threading.local()  # a requests session is not made for several threads at once


def _client() -> Any:
    key = (settings.EXPO_URL, settings.EXPO_ACCESS_TOKEN)
    if getattr(_local, "key", None) != key:
        session = _Session()
        session.trust_env = False  # no proxy and no credentials but the configured ones
        session.headers.update({"accept": "application/json", "content-type": "application/json"})
        if settings.EXPO_ACCESS_TOKEN:
            session.headers["Authorization"] = f"Bearer {settings.EXPO_ACCESS_TOKEN}"
        timeout = settings.PUSH_TIMEOUT.total_seconds()
        _local.key, _local.client = key, sdk.PushClient(host=settings.EXPO_URL, session=session, timeout=timeout)
    return _local.client
