"""Django admin's site with our sign-in, a page for one's authenticator, and a policy on every answer."""

from collections.abc import Callable
from typing import Any

from django.contrib.admin import AdminSite
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.urls import path, reverse
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_protect
from django.views.decorators.debug import sensitive_post_parameters

from accounts.pages.policy import with_policy

# In the order of the navigation; within an app by `place` of the ModelAdmin.
APPS = ("chat", "notifications", "accounts")


class StaffSite(AdminSite):
    site_header = site_title = "Parley"
    index_title = "Trade support"
    site_url = None
    enable_nav_sidebar = False  # one bar on top, at every width

    def get_urls(self) -> list[Any]:
        return [
            path("login/code/", self.login_code, name="login_code"),
            path("authenticator/", self.admin_view(self.authenticator), name="authenticator"),
            *super().get_urls(),
        ]

    def admin_view(self, view: Callable[..., Any], cacheable: bool = False) -> Any:
        inner = super().admin_view(view, cacheable)

        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if view not in (self.logout, self.authenticator) and self._owes_an_authenticator(request):
                return HttpResponseRedirect(reverse("admin:authenticator"))
            return with_policy(inner(request, *args, **kwargs))

        return guarded

    @method_decorator([never_cache, sensitive_post_parameters()])
    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        from accounts.pages.sign_in import SignInView  # people are not there yet when the site is made

        if request.method == "GET" and self.has_permission(request):
            return HttpResponseRedirect(reverse("admin:index"))
        context = self.each_context(request) | {"title": "Sign in", "app_path": request.get_full_path()}
        context["username"] = request.user.get_username()
        if REDIRECT_FIELD_NAME not in request.GET and REDIRECT_FIELD_NAME not in request.POST:
            context[REDIRECT_FIELD_NAME] = reverse("admin:index")
        return with_policy(SignInView.as_view(extra_context=context | (extra_context or {}))(request))

    @method_decorator([never_cache, sensitive_post_parameters(), csrf_protect])
    def login_code(self, request: HttpRequest) -> HttpResponseBase:
        from accounts.pages.sign_in import CodeView

        context = self.each_context(request) | {"title": "Your code"}
        return with_policy(CodeView.as_view(extra_context=context)(request))

    @method_decorator(sensitive_post_parameters())
    def authenticator(self, request: HttpRequest) -> HttpResponse:
        from accounts.pages.authenticator import authenticator_page

        return authenticator_page(request, self.each_context(request))

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> list[Any]:
        found = self._build_app_dict(request, app_label)
        for app in found.values():
            app["models"].sort(key=self._place)
            for model in app["models"]:
                model["name"] = getattr(self._registry[model["model"]], "section", model["name"])
        return [found[label] for label in APPS if label in found]

    def _place(self, model: dict[str, Any]) -> int:
        return getattr(self._registry[model["model"]], "place", 0)

    def _owes_an_authenticator(self, request: HttpRequest) -> bool:
        from accounts.actions import second_factor

        return self.has_permission(request) and second_factor.is_owed(request.user)  # type: ignore[arg-type]
