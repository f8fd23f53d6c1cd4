"""Settings and entry points. Celery's application is made here so that shared tasks find it."""

from config.celery import app as celery_app

__all__ = ["celery_app"]
