"""Canned replies: the team's, which super admins write, and one's own. The form says what the action refuses."""

from collections.abc import Callable
from functools import partial
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from accounts.admin import shown
from chat.actions import canned_replies
from chat.admin.base import StaffAdmin, refusal_of, staff
from chat.errors import ChatError
from chat.models import CannedReply


class ReplyForm(forms.ModelForm):  # type: ignore[type-arg]
    """Refuses what the action refuses, beside the field."""

    title = forms.CharField(
        max_length=canned_replies.MAX_TITLE, strip=False, widget=forms.TextInput(attrs={"class": "vTextField"})
    )
    body = forms.CharField(
        strip=False,
        widget=forms.Textarea(attrs={"rows": 8, "dir": "auto", "class": "vLargeTextField"}),
        help_text="Filled in when it is used: "
        + ", ".join(f"{{{name}}}" for name in canned_replies.VARIABLES)
        + ". Everything else stays as it is.",
    )

    class Meta:
        model = CannedReply
        fields = ("title", "body")

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if "title" in cleaned and "body" in cleaned:
            try:
                canned_replies.check(cleaned["title"], cleaned["body"])
            except ChatError as refusal:
                field = (getattr(refusal, "pointer", None) or "").removeprefix("/")
                self.add_error(field if field in self.fields else None, refusal.detail)
        return cleaned


class TeamReplyForm(ReplyForm):
    """A new one by somebody who may write for all."""

    team = forms.BooleanField(required=False, label="For the whole team", help_text="Else it is your own.")


class WhoseFilter(admin.SimpleListFilter):
    title = "whose"
    parameter_name = "whose"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("mine", "Mine"), ("team", "The team's")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[CannedReply]) -> QuerySet[CannedReply]:
        if self.value() not in ("mine", "team"):
            return queryset
        return queryset.filter(owner__isnull=self.value() == "team")


@admin.register(CannedReply)
class CannedReplyAdmin(StaffAdmin):
    section, place = "Canned replies", 4
    form = ReplyForm
    list_display = ("shown_title", "whose", "beginning", "changed")
    list_display_links = ("shown_title",)
    list_filter = (WhoseFilter,)
    search_fields = ("title", "body")
    ordering = ("title", "id")

    def get_queryset(self, request: HttpRequest) -> QuerySet[CannedReply]:
        return canned_replies.usable_by(staff(request)).select_related("owner")

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_module_permission(request)

    def has_change_permission(self, request: HttpRequest, obj: CannedReply | None = None) -> bool:
        """One's own, and for super admins the team's. Which rows there are at all is `get_queryset`."""
        return self.has_module_permission(request) and (
            obj is None or obj.owner_id == staff(request).pk or staff(request).is_super_admin
        )

    def has_delete_permission(self, request: HttpRequest, obj: CannedReply | None = None) -> bool:
        return self.has_change_permission(request, obj)

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        return {}  # deleted one at a time, each through the action

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        kwargs["form"] = TeamReplyForm if "team" in self.get_fields(request, obj) else ReplyForm
        return super().get_form(request, obj, change, **kwargs)

    def get_fields(self, request: HttpRequest, obj: CannedReply | None = None) -> tuple[str, ...]:
        """For whom it is was said when it was made."""
        return ("title", "body", "team") if obj is None and staff(request).is_super_admin else ("title", "body")

    def save_model(self, request: HttpRequest, obj: CannedReply, form: Any, change: bool) -> None:
        actor, texts = staff(request), {"title": obj.title, "body": obj.body}
        if change:
            canned_replies.change(actor=actor, reply_id=obj.pk, **texts)
        else:
            made = canned_replies.create(actor=actor, team=bool(form.cleaned_data.get("team")), **texts)
            obj.pk, obj.owner_id = made.pk, made.owner_id

    def delete_model(self, request: HttpRequest, obj: CannedReply) -> None:
        canned_replies.delete(actor=staff(request), reply_id=obj.pk)

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        return self._said(request, partial(super().changeform_view, request, *args, **kwargs))

    def delete_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        return self._said(request, partial(super().delete_view, request, *args, **kwargs))

    def _said(self, request: HttpRequest, view: Callable[[], HttpResponse]) -> HttpResponse:
        """A refusal by the action, for what changed after the form was shown: a message, and nothing is changed."""
        answers: list[HttpResponse] = []
        refusal = refusal_of(lambda: answers.append(view()))
        if refusal is None:
            return answers[0]
        messages.error(request, f"Nothing was changed. {refusal}")
        return HttpResponseRedirect(reverse("admin:chat_cannedreply_changelist"))

    @admin.display(description="title", ordering="title")
    def shown_title(self, reply: CannedReply) -> SafeString:
        return format_html("<bdi>{}</bdi>", reply.title)

    @admin.display(description="whose", ordering="owner")
    def whose(self, reply: CannedReply) -> str:
        return "the team's" if reply.owner_id is None else "mine"

    @admin.display(description="text")
    def beginning(self, reply: CannedReply) -> SafeString:
        return format_html("<bdi>{}</bdi>", reply.body if len(reply.body) <= 80 else f"{reply.body[:79]}…")

    @admin.display(description="changed", ordering="updated_at")
    def changed(self, reply: CannedReply) -> SafeString | str:
        return shown.when(reply.updated_at)
