"""Filters of the trades' list. Each costs one query whatever the table holds, and none tells of what is not shown."""

from typing import Any
from uuid import UUID

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from accounts.models import User
from chat.admin.base import staff
from chat.models import Trade

MAX_CHOICES = 50


class AssigneeFilter(admin.SimpleListFilter):
    title = "assignee"
    parameter_name = "assignee"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        own = [("me", "Me"), ("nobody", "Nobody: the queue")]
        if not staff(request).is_super_admin:
            return own
        others = User.objects.staff().exclude(pk=staff(request).pk).order_by("display_name")
        return own + [(str(user.pk), user.display_name) for user in others[:MAX_CHOICES]]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Trade]) -> QuerySet[Trade]:
        match self.value():
            case None:
                return queryset
            case "me":
                return queryset.filter(assignee=staff(request))
            case "nobody":
                return queryset.filter(assignee=None)
            case chosen:
                known = {value for value, _ in self.lookup_choices}
                return queryset.filter(assignee=UUID(chosen)) if chosen in known else queryset.none()


class PaymentMethodFilter(admin.SimpleListFilter):
    title = "payment method"
    parameter_name = "payment_method"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        visible = Trade.objects.visible_to(staff(request)).order_by("payment_method")
        methods = visible.values_list("payment_method", flat=True).distinct()[:MAX_CHOICES]
        return [(method, method) for method in methods]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Trade]) -> QuerySet[Trade]:
        return queryset if self.value() is None else queryset.filter(payment_method=self.value())
