"""What all tables share in Django admin: read-only, a tidy list, and rows that are not one's own do not exist."""

from typing import Any, NoReturn

from django.contrib import admin
from django.http import Http404, HttpRequest, HttpResponse

from accounts.models import User


def staff(request: HttpRequest) -> User:
    """Who is asking, behind Django admin's door: an active member of staff."""
    user = request.user
    assert isinstance(user, User)
    return user


class StaffAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Read-only for all staff. Which rows somebody sees is `get_queryset`; what is not theirs does not exist."""

    section = ""  # what the navigation calls it
    place = 0  # where it stands there
    list_per_page = 50
    empty_value_display = "–"
    list_max_show_all = 0
    show_full_result_count = False  # a second count of the whole table, for a number nobody needs
    show_facets = admin.ShowFacets.NEVER
    actions: Any = ()

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        return super().changelist_view(request, {"title": self.section} | (extra_context or {}))

    def has_module_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.is_active and request.user.is_staff)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_module_permission(request)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def _get_obj_does_not_exist_redirect(self, request: HttpRequest, opts: Any, object_id: str) -> NoReturn:
        raise Http404

    def get_row(self, request: HttpRequest, object_id: object) -> Any:
        """One row of those the person sees. Raises Http404."""
        row = self.get_object(request, str(object_id))
        if row is None:
            raise Http404
        return row


class SuperAdminAdmin(StaffAdmin):
    """For super admins only."""

    def has_module_permission(self, request: HttpRequest) -> bool:
        return staff(request).is_super_admin if super().has_module_permission(request) else False
