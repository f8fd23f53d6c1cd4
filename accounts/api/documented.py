"""OpenAPI of the endpoints of accounts: one decorator each, so that the views read without it."""

from collections.abc import Callable
from typing import Any, TypeVar

from drf_spectacular.utils import OpenApiExample, OpenApiResponse, extend_schema

F = TypeVar("F", bound=Callable[..., Any])

ID = {"type": "string", "format": "uuid"}
TIME = {"type": "string", "format": "date-time", "examples": ["2026-01-02T03:04:05.678Z"]}
TEXT = {"type": "string"}
EMAIL = {"type": "string", "format": "email", "maxLength": 254}
PASSWORD = {"type": "string", "format": "password", "minLength": 1, "maxLength": 1000}
NAME = {"type": "string", "minLength": 1, "maxLength": 80}
LABEL = {"type": "string", "maxLength": 200}
CODE = {"type": "string", "maxLength": 64}
ROLE = {"type": "string", "enum": ["customer", "trade_admin", "super_admin"]}
AVAILABILITY = {"type": "string", "enum": ["available", "busy", "away"]}
CAPACITY = {"type": "integer", "minimum": 0, "maximum": 1000}


def shape(required: dict[str, Any], **optional: Any) -> dict[str, Any]:
    return {"type": "object", "properties": required | optional, "required": list(required)}


PERSON = {"id": ID, "display_name": NAME, "role": ROLE, "staff": {"type": "boolean"}}
PROFILE = shape(PERSON | {"email": EMAIL, "created_at": TIME}, availability=AVAILABILITY, capacity=CAPACITY)
ADMINISTERED = shape(
    PERSON | {"email": EMAIL, "created_at": TIME, "is_active": {"type": "boolean"}, "capacity": CAPACITY},
    availability=AVAILABILITY,
)
PAIR = {"access": TEXT, "refresh": TEXT}
PROBLEM = shape(
    {
        "type": TEXT,
        "title": TEXT,
        "status": {"type": "integer"},
        "detail": TEXT,
        "code": TEXT,
        "request_id": TEXT,
    },
    errors={"type": "array", "items": shape({"pointer": TEXT, "detail": TEXT}, code=TEXT)},
)
MEANINGS = {
    400: "`bad_frame` or `invalid`; `errors` names the fields.",
    401: "`unauthenticated`, or `token_expired`: refresh the access token.",
    403: "`forbidden`",
    404: "`not_found`",
    409: "`conflict`",
    415: "`unsupported_media_type`: send application/json in UTF-8.",
    429: "`rate_limited`; `Retry-After` says when to come back.",
}


def endpoint(
    summary: str,
    *,
    body: dict[str, Any] | None = None,
    answer: dict[str, Any] | None = None,
    status: int = 200,
    refusals: tuple[int, ...] = (),
    public: bool = False,
    description: str = "",
    example: dict[str, Any] | None = None,
) -> Callable[[F], F]:
    """extend_schema with what all endpoints share: problem+json for each refusal."""
    codes = {*refusals, 429} | ({400, 415} if body else set()) | (set() if public else {401})
    responses: dict[Any, Any] = {
        (code, "application/problem+json"): OpenApiResponse(PROBLEM, MEANINGS[code]) for code in sorted(codes)
    }
    responses[(status, "application/json") if answer else status] = OpenApiResponse(answer, summary)
    return extend_schema(
        summary=summary,
        description=description,
        tags=["accounts"],
        request={"application/json": body} if body else None,
        responses=responses,
        examples=[OpenApiExample("Request", example, request_only=True)] if example else None,
        auth=[] if public else None,
    )


register = endpoint(
    "Become a customer",
    body=shape({"email": EMAIL, "password": PASSWORD}, display_name=NAME),
    answer=PROFILE,
    status=201,
    refusals=(409,),
    public=True,
    example={"email": "alice@example.com", "password": "correct horse", "display_name": "Alice"},
)
token = endpoint(
    "Sign in on a device",
    body=shape({"email": EMAIL, "password": PASSWORD}, otp=CODE, device_id=LABEL, device_name=LABEL),
    answer=shape(PAIR | {"user": PROFILE}),
    refusals=(401,),
    public=True,
    description="A session per device. Signing in again with the same `device_id` ends the one before. Staff with an "
    "authenticator send a code of it as `otp`; without, the 401 has `errors` with the `code` `otp_required`.",
    example={"email": "alice@example.com", "password": "correct horse", "device_id": "a1", "device_name": "Pixel 9"},
)
refresh = endpoint(
    "Get the next pair of tokens",
    body=shape({"refresh": TEXT}),
    answer=shape(PAIR),
    refusals=(401,),
    public=True,
    description="The refresh token is replaced. The old one gets the same new pair for another 30 seconds, in case the "
    "answer was lost; later it is refused and ends the session.",
)
log_out = endpoint(
    "Sign out on this device",
    body=shape({}, refresh=TEXT),
    status=204,
    description="Of the bearer token's session, or without one of `refresh`.",
)
log_out_all = endpoint("Sign out everywhere", status=204)
ticket = endpoint(
    "Get a one-time ticket for a socket",
    answer=shape({"ticket": TEXT, "expires_in": {"type": "integer", "const": 30}}),
    description="For clients that can set no header: open `/ws/?ticket=…` with it, once, within 30 seconds.",
)
me = endpoint("My profile", answer=PROFILE)
change_me = endpoint(
    "Change my profile",
    body=shape({}, display_name=NAME, availability=AVAILABILITY),
    answer=PROFILE,
    description="`availability` is for staff. Everything else in the body is ignored.",
)
change_password = endpoint(
    "Change my password",
    body=shape({"current": PASSWORD, "new": PASSWORD}),
    status=204,
    description="Ends all other sessions.",
)
user = endpoint("Somebody's account", answer=ADMINISTERED, refusals=(403, 404), description="For super admins.")
administer = endpoint(
    "Open or close an account, change its role or capacity",
    body=shape({}, is_active={"type": "boolean"}, role=ROLE, capacity=CAPACITY),
    answer=ADMINISTERED,
    refusals=(403, 404, 409),
    description="For super admins; in force at once: a closed account or another role ends every session of the "
    "person. The last active super admin stays one.",
)
