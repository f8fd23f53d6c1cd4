"""What `manage.py doctor` looks at: each check returns what it found, or raises Unwell with what to do about it."""

import asyncio
from collections.abc import Callable
from uuid import uuid4

from channels.layers import get_channel_layer
from django.conf import settings
from django.core import checks
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor

from config.celery import app

LAYER_TIMEOUT = 5  # seconds
MIN_POSTGRES = (14, 0)
NOT_OURS_TO_SAY = {"security.W021"}  # browsers' preload list is for the owner of the whole domain to decide on


class Unwell(Exception):
    """Something is wrong; the text says what and, where it is known, what helps."""


def check_settings() -> str:
    messages = checks.run_checks(include_deployment_checks=settings.HTTPS_ONLY)
    found = [message for message in messages if message.level >= 30 and message.id not in NOT_OURS_TO_SAY]
    if found:
        raise Unwell("; ".join(f"{message.msg} ({message.id})" for message in found))
    mode = "DEBUG" if settings.DEBUG else "production"
    throttle = "on" if settings.THROTTLE else "OFF: for benchmarks and tests only"
    return f"{mode}; HTTPS only: {'yes' if settings.HTTPS_ONLY else 'no'}; limits: {throttle}"


def check_database() -> str:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
            if connection.vendor == "sqlite":
                return f"SQLite in {connection.settings_dict['NAME']}"
            cursor.execute("SHOW server_version")
            version = cursor.fetchone()[0]
            cursor.execute("SHOW synchronous_commit")
            durable = cursor.fetchone()[0]
    except DatabaseError as error:
        raise Unwell(f"does not answer: {str(error).strip().splitlines()[0]}") from error
    if connection.get_database_version() < MIN_POSTGRES:
        raise Unwell(f"PostgreSQL {version} is too old: at least {MIN_POSTGRES[0]} is needed")
    if durable == "off":
        raise Unwell("synchronous_commit is off: an acknowledged message could be lost")
    return f"PostgreSQL {version}, synchronous_commit={durable}"


def check_migrations() -> str:
    try:
        executor = MigrationExecutor(connection)
        missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
    except DatabaseError as error:
        raise Unwell("cannot be read, as the database does not answer") from error
    if missing:
        raise Unwell(f"{len(missing)} are not applied: run `manage.py migrate`")
    return "all applied"


def check_layer() -> str:
    try:
        asyncio.run(_round_trip())
    except Exception as error:  # whatever the layer's client raises is the finding
        raise Unwell(f"carries nothing ({type(error).__name__}): is Redis up at REDIS_URL?") from error
    return "Redis pub/sub carries messages" if settings.REDIS_URL else "in-memory: one server process only"


async def _round_trip() -> None:
    layer = get_channel_layer()
    group, said = f"doctor-{uuid4().hex}", {"type": "doctor", "said": "aah"}
    async with asyncio.timeout(LAYER_TIMEOUT):
        channel = await layer.new_channel()
        await layer.group_add(group, channel)
        await layer.group_send(group, said)
        if await layer.receive(channel) != said:
            raise Unwell("gave back something else")
        await layer.flush()


def check_broker() -> str:
    if not settings.REDIS_URL:
        return "in this process only (no REDIS_URL)"
    try:
        with app.connection_for_write() as broker:
            broker.ensure_connection(max_retries=1, timeout=LAYER_TIMEOUT)
    except Exception as error:  # kombu raises whatever its transport does
        raise Unwell(f"cannot be reached ({type(error).__name__})") from error
    return "reachable"


CHECKS: dict[str, Callable[[], str]] = {
    "settings": check_settings,
    "database": check_database,
    "migrations": check_migrations,
    "live layer": check_layer,
    "celery broker": check_broker,
}
