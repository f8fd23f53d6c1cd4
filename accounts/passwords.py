"""Whatever sets a password (Django admin, a management command) ends the sessions that the old one opened."""

from django.contrib.auth.base_user import AbstractBaseUser
from django.db import transaction

from accounts.actions.revoke import revoke_sessions


class EndSessions:
    """
    Stands among the password validators, as Django tells those when a password has changed. Refuses none. People who
    change their own over the API keep the session they do it in: that action does not come through here.
    """

    def validate(self, password: str, user: AbstractBaseUser | None = None) -> None:
        pass

    def password_changed(self, password: str, user: AbstractBaseUser | None = None) -> None:
        if user is not None:
            with transaction.atomic():
                revoke_sessions(user_id=user.pk)

    def get_help_text(self) -> str:
        return "A new password ends every open session."
