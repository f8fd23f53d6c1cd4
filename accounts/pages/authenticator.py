"""One's own authenticator: set it up by scanning, confirm it with a code, keep the recovery codes, remove it again."""

from typing import Any

import segno
from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.safestring import SafeString, mark_safe
from rest_framework.exceptions import APIException

from accounts import totp
from accounts.actions import second_factor
from accounts.models import SecondFactor, User
from accounts.pages.sign_in import CodeForm
from accounts.throttling import client_address


class ConfirmForm(forms.Form):
    code = forms.CharField(
        max_length=second_factor.MAX_CODE,
        label="Code",
        help_text="Six digits, as the app shows them now.",
        widget=forms.TextInput(attrs={"autocomplete": "one-time-code", "inputmode": "numeric", "spellcheck": "false"}),
    )


def authenticator_page(request: HttpRequest, context: dict[str, Any]) -> HttpResponse:
    """GET shows how things are; POST does what its `do` says: begin, confirm, remove."""
    user: User = request.user  # type: ignore[assignment]
    if request.method == "POST":
        return _act(request, user, context)
    return _show(request, user, context)


def _act(request: HttpRequest, user: User, context: dict[str, Any]) -> HttpResponse:
    code, address = request.POST.get("code", ""), client_address(request) or None
    try:
        match request.POST.get("do"):
            case "begin":
                second_factor.begin(actor=user)
            case "confirm":
                # Shown in this answer only: they are stored nowhere in a form that could be read.
                context["recovery_codes"] = second_factor.confirm(actor=user, code=code, address=address)
                return _show(request, user, context)
            case "remove":
                second_factor.remove(actor=user, code=code, address=address)
                messages.success(request, "Your authenticator is removed. The password alone signs you in.")
    except APIException as refusal:
        messages.error(request, str(refusal.detail))
    return HttpResponseRedirect(reverse("admin:authenticator"))


def _show(request: HttpRequest, user: User, context: dict[str, Any]) -> HttpResponse:
    factor = SecondFactor.objects.filter(user=user).first()
    if factor is not None and factor.confirmed_at is None:
        groups = [factor.secret[start : start + 4] for start in range(0, len(factor.secret), 4)]
        context |= {"qr": _qr(factor, user), "secret": " ".join(groups), "form": ConfirmForm()}
    elif factor is not None:
        context |= {"codes_left": second_factor.recovery_codes_left(user), "form": CodeForm(auto_id="remove_%s")}
    context |= {"factor": factor, "owed": second_factor.is_owed(user), "title": "Authenticator"}
    return TemplateResponse(request, "admin/authenticator.html", context)


def _qr(factor: SecondFactor, user: User) -> SafeString:
    """Drawn by segno out of black squares; the text in it appears nowhere in the SVG."""
    drawing = segno.make(totp.provisioning_uri(factor.secret, user.email), error="m")
    return mark_safe(drawing.svg_inline(scale=5, border=4, dark="#000", light="#fff", omitsize=True))
