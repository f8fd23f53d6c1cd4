"""Where the staff pages' cookies lead: Django's own table, asked only for keys that it could have made."""

import re

from django.contrib.sessions.backends.db import SessionStore as DatabaseStore

KEY = re.compile(r"[a-z0-9]{32}", re.ASCII)


class SessionStore(DatabaseStore):
    """A cookie with anything else in it (a NUL would fail in the database) is no cookie."""

    def _validate_session_key(self, key: str | None) -> bool:
        return key is not None and KEY.fullmatch(key) is not None
