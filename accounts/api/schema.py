"""What the OpenAPI page says of an endpoint whose shapes are the msgspec types that are really read and written."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar, get_args

import msgspec
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema

from accounts.api.documented import MEANINGS, PROBLEM

View = TypeVar("View", bound=Callable[..., Any])

_described: set[Any] = set()
_MEANINGS = MEANINGS | {
    403: "`forbidden`: you see it, but may not do this.",
    404: "`not_found`: missing, or not yours; the two look the same.",
    413: "`too_large`",
    503: "`unavailable`: repeat it.",
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
    tag: str,
    meanings: Mapping[int, str] | None = None,
    beside: dict[str, Any] | None = None,
) -> Callable[[View], View]:
    """
    Documents one endpoint. `query` maps a parameter's name to what it does; `also` other good statuses; `meanings` a
    refusal's status to words of one's own; `beside` names what a page holds beside its results.
    """
    words = {**_MEANINGS, **(meanings or {})}
    codes = {*refusals, 401, 429, 503} | ({400, 415} if body else {400} if query else set())
    responses: dict[Any, Any] = {
        (code, "application/problem+json"): OpenApiResponse(PROBLEM, words[code]) for code in sorted(codes)
    }
    shape = _page(answer, beside or {}) if page else reference(answer)
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


def _page(shape: Any, beside: dict[str, Any]) -> dict[str, Any]:
    link = {"type": ["string", "null"], "format": "uri"}
    results = {"type": "array", "items": reference(shape)}
    return {
        "type": "object",
        "required": ["results", "next", "previous", *beside],
        "properties": {"results": results, "next": link, "previous": link} | beside,
    }


def describe_shapes(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """drf-spectacular's hook: add every shape that an endpoint named, and what those are made of."""
    _schemas, shapes = msgspec.json.schema_components(
        sorted(_described, key=lambda shape: shape.__name__), ref_template="#/components/schemas/{name}"
    )
    result.setdefault("components", {}).setdefault("schemas", {}).update(shapes)
    return result
