"""How log lines look: JSON in production, readable text in development. One line per record, whatever it contains.

A record's `fields` (a dict passed as `extra={"fields": {...}}`) are members of the JSON line, or `key=value` in the
text.
"""

from __future__ import annotations

import logging
import time

import msgspec


def _text(value: object) -> str:
    word = str(value)
    return word if word.isprintable() and " " not in word and word else msgspec.json.encode(word).decode()


class TextFormatter(logging.Formatter):
    """`12:00:01 INFO serving relayed status=200 ms=12.1`."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as one line, and its traceback, if any, below."""
        fields: dict[str, object] = getattr(record, "fields", {})
        told = "".join(f" {name}={_text(value)}" for name, value in fields.items() if value not in (None, ""))
        clock = time.strftime("%H:%M:%S", time.localtime(record.created))
        message = record.getMessage().replace("\n", "\\n")
        line = f"{clock} {record.levelname:<7} {record.name} {message}{told}"
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line


class JsonFormatter(logging.Formatter):
    """One JSON object a line, with time (ISO 8601, UTC), level, logger, message, and the record's fields."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as one JSON object."""
        clock = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
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
