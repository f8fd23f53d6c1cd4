"""What no log line may hold: an address's query, which can carry a ticket or token, or a traceback a client wrote."""

import logging

NOISE = "Invalid UTF-8 sequence received from client."  # uvicorn's own ERROR, with a traceback; the socket gets 1007


class Discreet(logging.Filter):
    """Cuts the query off every address that a server logs, and leaves out what a client can cause at will."""

    def filter(self, record: logging.LogRecord) -> bool:
        if record.name.startswith("uvicorn") and isinstance(record.args, tuple):
            record.args = tuple(_without_query(value) for value in record.args)
        return record.msg != NOISE


def _without_query(value: object) -> object:
    return value.partition("?")[0] if isinstance(value, str) and value.startswith("/") else value
