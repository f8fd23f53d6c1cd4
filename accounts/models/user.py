"""The person: a customer, a trade-support admin or a super admin, who signs in by e-mail."""

from typing import Any, ClassVar, Self

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models
from django.db.models.functions import Lower
from django.utils import timezone

from accounts.ids import new_id


class Role(models.TextChoices):
    CUSTOMER = "customer"
    TRADE_ADMIN = "trade_admin"
    SUPER_ADMIN = "super_admin"


STAFF_ROLES = (Role.TRADE_ADMIN, Role.SUPER_ADMIN)


class Availability(models.TextChoices):
    """What an admin says of themselves; only `available` admins are given trades."""

    AVAILABLE = "available"
    BUSY = "busy"
    AWAY = "away"


class UserQuerySet(models.QuerySet["User"]):
    def active(self) -> Self:
        return self.filter(is_active=True)

    def staff(self) -> Self:
        """Trade-support admins and super admins who may sign in."""
        return self.active().filter(role__in=STAFF_ROLES)

    def by_email(self, email: str) -> Self:
        """The account of an address, whatever its case."""
        return self.filter(email=email.strip().lower())

    def locked(self) -> Self:
        """Under a row lock that still lets others refer to the person."""
        return self.select_for_update(no_key=True, of=("self",))


class UserManager(BaseUserManager["User"]):
    def get_queryset(self) -> UserQuerySet:
        return UserQuerySet(self.model, using=self._db)

    def staff(self) -> UserQuerySet:
        return self.get_queryset().staff()

    def active(self) -> UserQuerySet:
        return self.get_queryset().active()

    def by_email(self, email: str) -> UserQuerySet:
        return self.get_queryset().by_email(email)

    def locked(self) -> UserQuerySet:
        return self.get_queryset().locked()

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """A new person. E-mail addresses are one whatever their case; without a password nobody can sign in."""
        user = self.model(email=email.strip().lower(), **fields)
        user.display_name = user.display_name or user.email.partition("@")[0]
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "User":
        return self.create_user(email, password, role=Role.SUPER_ADMIN, **fields)

    def get_by_natural_key(self, email: str | None) -> "User":
        return self.by_email(email or "").get()


class User(AbstractBaseUser):
    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    email = models.EmailField(max_length=254, unique=True)
    display_name = models.CharField(max_length=80)
    role = models.CharField(max_length=16, choices=Role, default=Role.CUSTOMER)
    is_active = models.BooleanField(default=True)
    availability = models.CharField(max_length=16, choices=Availability, default=Availability.AVAILABLE)
    capacity = models.PositiveSmallIntegerField(default=10, help_text="How many open trades an admin may hold.")
    last_assigned_at = models.DateTimeField(null=True, blank=True, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects: UserManager = UserManager()

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        ordering = ["email"]
        constraints = [
            # With the unique index: one account per address, whatever case it is typed in.
            models.CheckConstraint(condition=models.Q(email=Lower("email")), name="user_email_lower_case"),
            models.CheckConstraint(condition=models.Q(role__in=Role.values), name="user_role_known"),
        ]

    def __str__(self) -> str:
        return self.email

    @property
    def is_staff(self) -> bool:
        """May enter Django admin and see the staff's side of things. Follows the role alone."""
        return self.role in STAFF_ROLES

    @property
    def is_super_admin(self) -> bool:
        return self.role == Role.SUPER_ADMIN

    def has_perm(self, perm: str, obj: models.Model | None = None) -> bool:
        """What Django admin asks. Rights follow the role; there are no permission tables."""
        return self.is_active and self.is_super_admin

    def has_module_perms(self, app_label: str) -> bool:
        return self.is_active and self.is_super_admin
