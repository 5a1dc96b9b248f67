"""How log lines look: JSON in production, readable text in development. One line per record, whatever it contains.

A record's `fields` (a dict passed as `extra={"fields": {...}}`) are members of the JSON line, or `key=value` in the
text.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

import msgspec


def _text(value: object) -> str:
    if isinstance(value, int | float):
        return str(value)
    word = str(value)
    return word if word.isprintable() and " " not in word else msgspec.json.encode(word).decode()


class Clock:
    """The time of day as text, made once a second."""

    def __init__(self, form: str, to_fields: Callable[[float], time.struct_time]) -> None:
        self._form = form
        self._to_fields = to_fields
        self._second = -1
        self._text = ""

    def text(self, created: float) -> str:
        """Return the time of a record."""
        second = int(created)
        if second != self._second:
            self._second, self._text = second, time.strftime(self._form, self._to_fields(second))
        return self._text


class TextFormatter(logging.Formatter):
    """`12:00:01 INFO serving relayed status=200 ms=12.1`."""

    def __init__(self) -> None:
        super().__init__()
        self._clock = Clock("%H:%M:%S", time.localtime)

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as one line, and its traceback, if any, below."""
        fields: dict[str, object] = getattr(record, "fields", {})
        told = "".join([f" {name}={_text(value)}" for name, value in fields.items() if value not in (None, "")])
        message = record.getMessage().replace("\n", "\\n")
        line = f"{self._clock.text(record.created)} {record.levelname:<7} {record.name} {message}{told}"
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line


class JsonFormatter(logging.Formatter):
    """One JSON object a line, with time (ISO 8601, UTC), level, logger, message, and the record's fields."""

    def __init__(self) -> None:
        super().__init__()
        self._clock = Clock("%Y-%m-%dT%H:%M:%S", time.gmtime)

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as one JSON object."""
        clock = self._clock.text(record.created)
        line: dict[str, object] = {
            "time": f"{clock}.{int(record.msecs):03d}Z",
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        line.update({name: value for name, value in getattr(record, "fields", {}).items() if value is not None})
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return msgspec.json.encode(line, enc_hook=str).decode()


def formatter(style: str) -> logging.Formatter:
    """Return the formatter for `GATEWAY_LOG_FORMAT`: `json` or `text`."""
    return JsonFormatter() if style == "json" else TextFormatter()
