"""A Celery worker and beat on threads of this process, for where there is no broker: the demo."""

import logging
import threading
from types import TracebackType
from typing import Any

from celery import current_app as app
from celery.beat import EmbeddedService

STOP_TIMEOUT = 5  # seconds

logger = logging.getLogger("parley.worker")


class InProcessCelery:
    """Runs tasks and the schedule between `with` and its end."""

    def __init__(self) -> None:
        # app.Worker: the plain WorkController receives from memory:// and never runs.
        self._worker: Any = app.Worker(
            pool="threads", concurrency=2, loglevel="WARNING", without_heartbeat=True, quiet=True
        )
        self._beat: Any = EmbeddedService(app, thread=True)
        self._thread = threading.Thread(target=self._worker.start, name="celery-worker", daemon=True)

    def __enter__(self) -> None:
        # memory:// has no host name to miss.
        logging.getLogger("kombu.connection").setLevel(logging.ERROR)
        self._thread.start()
        self._beat.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._beat.stop()
        self._worker.stop()
        self._thread.join(STOP_TIMEOUT)
