"""What the templates of Django admin may ask for: how things are shown, and the figures of the start page."""

from typing import Any

from django import template
from django.utils import timezone

from accounts.admin import shown
from chat.admin import dashboard as figures

register = template.Library()

for show in (shown.when, shown.since, shown.until, shown.duration, shown.badge, shown.facts):
    register.filter(show)


@register.inclusion_tag("admin/dashboard.html", takes_context=True)
def dashboard(context: Any) -> dict[str, Any]:
    return figures.context(context["request"].user, timezone.now())
