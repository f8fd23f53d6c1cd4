"""The forms of people in Django admin. They check what actions check, so that a refusal stands beside its field."""

from typing import Any

from django import forms
from django.contrib.auth.forms import AdminPasswordChangeForm, BaseUserCreationForm
from django.core.exceptions import ValidationError
from django.db import transaction

from accounts.actions.people import MAX_CAPACITY
from accounts.errors import InvalidBody
from accounts.models import User
from accounts.names import check_display_name


class PersonForm(forms.ModelForm):  # type: ignore[type-arg]
    def clean_email(self) -> str:
        email: str = self.cleaned_data["email"]
        return email.strip().lower()

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if name := cleaned.get("display_name"):
            try:
                check_display_name(name, cleaned.get("role") or self.instance.role)
            except InvalidBody as error:
                self.add_error("display_name", ValidationError(str(error)))
        return cleaned


class ChangeForm(PersonForm):
    capacity = forms.IntegerField(min_value=0, max_value=MAX_CAPACITY)

    class Meta:
        model = User
        fields = ("email", "display_name", "role", "is_active", "capacity", "availability")


class CreationForm(PersonForm, BaseUserCreationForm):  # type: ignore[type-arg]
    class Meta:
        model = User
        fields = ("email", "display_name", "role")


class PasswordForm(AdminPasswordChangeForm):  # type: ignore[type-arg]
    """Another password for somebody; EndSessions then ends what they had open."""

    def __init__(self, user: User, *args: Any, **kwargs: Any) -> None:
        super().__init__(user, *args, **kwargs)
        self.fields.pop("usable_password", None)  # to shut somebody out, close the account
        self.fields["password1"].required = self.fields["password2"].required = True

    def set_password_and_save(self, user: User, commit: bool = True, **fields: Any) -> User:
        user.set_password(self.cleaned_data["password1"])
        with transaction.atomic():
            user.save(update_fields=["password"])
        return user
