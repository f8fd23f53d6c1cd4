"""What no address may hold, whoever serves it. The API reads its own parameters, and says which one is wrong."""

from collections.abc import Callable

from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse


class RefuseNul:
    """Pages of Django's admin hand their filters to the database as they come, and PostgreSQL fails on a NUL."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if "%00" in request.META.get("QUERY_STRING", "") and not request.path.startswith("/api/"):
            raise BadRequest("An address holds a NUL character.")
        return self.get_response(request)
