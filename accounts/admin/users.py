"""People as super admins see and change them. Role, access and capacity change through the action, like everywhere."""

from typing import Any

from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.db import transaction
from django.db.models import QuerySet
from django.forms import ModelForm
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from rest_framework.exceptions import APIException

from accounts import changes
from accounts.actions import people, second_factor
from accounts.admin.forms import ChangeForm, CreationForm, PasswordForm
from accounts.admin.sessions import SessionInline
from accounts.changes import Changed, Kind
from accounts.models import User

ADMINISTERED = ("role", "is_active", "capacity")


@admin.register(User)
class UserAdmin(DjangoUserAdmin):  # type: ignore[type-arg]
    section, place = "People", 1
    show_facets = admin.ShowFacets.NEVER
    form = ChangeForm
    add_form = CreationForm
    change_password_form = PasswordForm
    list_display = ("email", "display_name", "role", "is_active", "availability", "capacity", "created_at")
    list_filter = ("role", "is_active", "availability")
    search_fields = ("email", "display_name")
    ordering = ("email",)
    filter_horizontal = ()
    readonly_fields = ("id", "created_at", "last_login", "last_assigned_at")
    fieldsets = (
        (None, {"fields": ("email", "display_name", "role", "is_active")}),
        ("Work", {"fields": ("availability", "capacity", "last_assigned_at")}),
        ("For reference", {"fields": ("id", "created_at", "last_login")}),
    )
    add_fieldsets = ((None, {"fields": ("email", "display_name", "role", "password1", "password2")}),)
    actions = ("log_out_everywhere", "reset_authenticator")

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return False  # what somebody wrote stays theirs: an account is closed, never deleted

    def get_inlines(self, request: HttpRequest, obj: User | None) -> list[Any]:
        return [SessionInline] if obj else []

    def save_model(self, request: HttpRequest, obj: User, form: ModelForm, change: bool) -> None:  # type: ignore[type-arg]
        actor: User = request.user  # type: ignore[assignment]
        if not change:
            obj.save()
            changes.announce(Changed(Kind.ACCOUNT, actor, obj, {"created": ("", str(obj.role))}))
            return
        changed = set(form.changed_data)
        try:
            people.administer(
                actor=actor,
                user_id=obj.pk,
                **{name: getattr(obj, name) for name in ADMINISTERED if name in changed},
            )
        except APIException as refusal:
            request.refusal = str(refusal.detail)  # type: ignore[attr-defined]  # response_change says it
            return
        others = changed.difference(ADMINISTERED)
        obj.save(update_fields=others)
        if others:
            fields = {name: (form.initial.get(name), getattr(obj, name)) for name in sorted(others)}
            changes.announce(Changed(Kind.ACCOUNT, actor, obj, fields))

    def user_change_password(self, request: HttpRequest, id: str, form_url: str = "") -> HttpResponse:
        with transaction.atomic():
            response = super().user_change_password(request, id, form_url)
            if request.method == "POST" and response.status_code == 302:
                actor: User = request.user  # type: ignore[assignment]
                user = User.objects.get(pk=id)
                changes.announce(Changed(Kind.ACCOUNT, actor, user, {"password": ("", "set")}))
        return response

    def log_change(self, request: HttpRequest, obj: User, message: Any) -> Any:
        return None if hasattr(request, "refusal") else super().log_change(request, obj, message)

    def response_change(self, request: HttpRequest, obj: User) -> HttpResponse:
        if not hasattr(request, "refusal"):
            return super().response_change(request, obj)
        self.message_user(request, f"Nothing was changed. {request.refusal}", messages.ERROR)
        return HttpResponseRedirect(request.path)

    @admin.action(description="Log out on all devices")
    def log_out_everywhere(self, request: HttpRequest, chosen: QuerySet[User]) -> None:
        user_ids = list(chosen.values_list("pk", flat=True))
        ended = people.log_out_people(actor=request.user, user_ids=user_ids)  # type: ignore[arg-type]
        self.message_user(request, f"Devices logged out: {ended}.", messages.SUCCESS)

    @admin.action(description="Reset the authenticator: the password alone signs in again")
    def reset_authenticator(self, request: HttpRequest, chosen: QuerySet[User]) -> None:
        actor: User = request.user  # type: ignore[assignment]
        reset = 0
        for user_id in list(chosen.order_by("pk").values_list("pk", flat=True)):
            try:
                reset += second_factor.reset(actor=actor, user_id=user_id)
            except APIException as refusal:
                self.message_user(request, str(refusal.detail), messages.ERROR)
        self.message_user(request, f"Authenticators reset: {reset}.", messages.SUCCESS)
