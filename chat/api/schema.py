"""The OpenAPI page of the chat: shapes come from the msgspec types that are really read and written."""

from collections.abc import Callable
from typing import Any, TypeVar, get_args

import msgspec
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema

from accounts.api.documented import MEANINGS, PROBLEM

View = TypeVar("View", bound=Callable[..., Any])

_described: set[Any] = set()
_MEANINGS = MEANINGS | {
    403: "`forbidden`: you see it, but may not do this.",
    404: "`not_found`: missing, or not yours; the two look the same.",
    409: "`conflict`, or `conversation_closed`.",
    413: "`too_large`",
    503: "`unavailable`: repeat it with the same client_id; it may have been stored.",
}


def endpoint(
    summary: str,
    *,
    body: Any = None,
    answer: Any = None,
    status: int = 200,
    refusals: tuple[int, ...] = (404,),
    page: bool = False,
    query: dict[str, str] | None = None,
    description: str = "",
    also: dict[int, str] | None = None,
    media: str = "application/json",
    tag: str = "chat",
) -> Callable[[View], View]:
    """Documents one endpoint. `query` maps a parameter's name to what it does; `also` other good statuses."""
    codes = {*refusals, 401, 429, 503} | ({400, 415} if body else {400} if query else set())
    responses: dict[Any, Any] = {
        (code, "application/problem+json"): OpenApiResponse(PROBLEM, _MEANINGS[code]) for code in sorted(codes)
    }
    shape = _page(answer) if page else reference(answer)
    for good, meaning in {status: summary, **(also or {})}.items():
        responses[(good, media) if answer else good] = OpenApiResponse(shape, meaning)
    documented: Callable[[View], View] = extend_schema(
        summary=summary,
        description=description,
        tags=[tag],
        request={"application/json": reference(body)} if body else None,
        responses=responses,
        parameters=[OpenApiParameter(name, str, description=meaning) for name, meaning in (query or {}).items()],
    )
    return documented


def reference(shape: Any) -> dict[str, Any] | None:
    """A `$ref` to the component that `describe_shapes` adds, or a raw schema as it is."""
    if shape is None or isinstance(shape, dict):
        return shape
    if args := get_args(shape):
        return {"oneOf": [reference(arg) for arg in args]}
    _described.add(shape)
    return {"$ref": f"#/components/schemas/{shape.__name__}"}


def _page(shape: Any) -> dict[str, Any]:
    link = {"type": ["string", "null"], "format": "uri"}
    return {
        "type": "object",
        "required": ["results", "next", "previous"],
        "properties": {"results": {"type": "array", "items": reference(shape)}, "next": link, "previous": link},
    }


def describe_shapes(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """drf-spectacular's hook: add every shape that an endpoint named, and what those are made of."""
    _schemas, shapes = msgspec.json.schema_components(
        sorted(_described, key=lambda shape: shape.__name__), ref_template="#/components/schemas/{name}"
    )
    result.setdefault("components", {}).setdefault("schemas", {}).update(shapes)
    return result
