"""The addresses of the whole application."""

from django.contrib import admin
from django.urls import include, path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerView

from config import health

handler400 = "chat.api.problems.bad_request"
handler404 = "chat.api.problems.not_found"
handler500 = "chat.api.problems.server_error"

urlpatterns = [
    path("healthz", health.healthz),
    path("readyz", health.readyz),
    path("metrics", health.metrics),
    path("admin/", admin.site.urls),
    path("api/v1/", include("accounts.urls")),
    path("api/v1/", include("notifications.urls")),
    path("api/v1/", include("chat.urls")),
    path("api/chat/", include("chat.api.bpay_urls")),
    path("api/schema/", SpectacularAPIView.as_view(), name="schema"),
    path("api/docs/", SpectacularSwaggerView.as_view(url_name="schema"), name="docs"),
]
