"""Who you are: people, device sessions, tokens, sign-in."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "accounts"

    def ready(self) -> None:
        from accounts import schema  # noqa: F401  # registers the bearer scheme with drf-spectacular
        from accounts.actions import browser

        browser.connect()
