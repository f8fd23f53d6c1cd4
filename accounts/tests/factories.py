"""People and sessions for tests."""

from datetime import timedelta
from typing import Any

import factory
from django.utils import timezone

from accounts.models import DeviceSession, Role, User

PASSWORD = "correct horse battery"


class UserFactory(factory.django.DjangoModelFactory[User]):
    class Meta:
        model = User

    email = factory.Sequence(lambda n: f"person{n}@example.com")
    display_name = factory.Sequence(lambda n: f"Person {n}")
    password = PASSWORD

    @classmethod
    def _create(cls, model_class: type[User], *args: Any, **fields: Any) -> User:
        return model_class.objects.create_user(*args, **fields)


class TradeAdminFactory(UserFactory):
    role = Role.TRADE_ADMIN


class SuperAdminFactory(UserFactory):
    role = Role.SUPER_ADMIN


class DeviceSessionFactory(factory.django.DjangoModelFactory[DeviceSession]):
    class Meta:
        model = DeviceSession

    user = factory.SubFactory(UserFactory)
    device_name = "Phone"
    expires_at = factory.LazyFunction(lambda: timezone.now() + timedelta(days=30))
