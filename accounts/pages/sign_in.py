"""Signing in to Django admin: the password, then a code for those who have an authenticator. No session before both."""

from typing import Any
from uuid import UUID

from django import forms
from django.conf import settings
from django.contrib.admin.forms import AdminAuthenticationForm
from django.contrib.auth import REDIRECT_FIELD_NAME, login
from django.contrib.auth.views import LoginView, RedirectURLMixin
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from django.utils.http import urlencode
from django.views.generic.edit import FormView
from rest_framework.exceptions import APIException

from accounts.actions import second_factor
from accounts.models import User
from accounts.throttling import client_address

PENDING = "sign_in"  # in the Django session, of somebody whose password was right and whose code is still to come
PENDING_FOR = 300  # seconds
BACKEND = "accounts.backends.PasswordBackend"


class PasswordForm(AdminAuthenticationForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["username"].label = "E-mail"
        self.fields["username"].widget.attrs["autocomplete"] = "username"


class SignInView(LoginView):
    authentication_form = PasswordForm
    template_name = "admin/login.html"

    def form_valid(self, form: Any) -> HttpResponse:
        user: User = form.get_user()
        if second_factor.factor_of(user) is None:
            return super().form_valid(form)
        # Another key, as somebody else may know the one that this browser came with.
        self.request.session.cycle_key()
        self.request.session[PENDING] = {
            "user": str(user.pk),
            "hash": user.get_session_auth_hash(),
            "at": timezone.now().timestamp(),
        }
        target = self.get_redirect_url()
        query = f"?{urlencode({REDIRECT_FIELD_NAME: target})}" if target else ""
        return HttpResponseRedirect(reverse("admin:login_code") + query)


class CodeForm(forms.Form):
    code = forms.CharField(
        max_length=second_factor.MAX_CODE,
        label="Code",
        help_text="Six digits from your authenticator app, or one of your recovery codes.",
        widget=forms.TextInput(attrs={"autocomplete": "one-time-code", "autofocus": True, "spellcheck": "false"}),
    )


class CodeView(RedirectURLMixin, FormView):  # type: ignore[type-arg]
    """The second step. Some minutes after the password, and whenever that has changed, it begins at the first again."""

    form_class = CodeForm
    template_name = "admin/login_code.html"

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        self.person = pending_person(request)
        if self.person is None:
            return HttpResponseRedirect(reverse("admin:login"))
        response: HttpResponse = super().dispatch(request, *args, **kwargs)  # type: ignore[assignment]
        return response

    def form_valid(self, form: CodeForm) -> HttpResponse:
        assert self.person is not None
        try:
            second_factor.check(
                user=self.person, code=form.cleaned_data["code"], address=client_address(self.request) or None
            )
        except APIException as refusal:
            form.add_error("code", str(refusal.detail))
            return self.form_invalid(form)
        del self.request.session[PENDING]
        login(self.request, self.person, backend=BACKEND)
        return HttpResponseRedirect(self.get_success_url())

    def get_default_redirect_url(self) -> str:
        return reverse("admin:index")

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(**kwargs) | {REDIRECT_FIELD_NAME: self.get_redirect_url()}


def pending_person(request: HttpRequest) -> User | None:
    """Who gave the right password in this browser a moment ago and may still sign in."""
    pending = request.session.get(PENDING)
    if pending is None or not 0 <= timezone.now().timestamp() - pending["at"] <= PENDING_FOR:
        return None
    user = User.objects.staff().filter(pk=UUID(pending["user"])).first()
    if user is None or not constant_time_compare(pending["hash"], user.get_session_auth_hash()):
        return None
    return user


assert BACKEND in settings.AUTHENTICATION_BACKENDS
