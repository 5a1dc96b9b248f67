"""When a relay is over (ended, failed, or the client left): its record, written once, as one structured log line.

Never a body, never a credential.
"""

from __future__ import annotations

import logging
import time

from serving.errors import ClientError, GatewayError, UpstreamError
from serving.headers import report
from translation.events import Usage
from translation.ledger import Ledger

logger = logging.getLogger("serving.relay")
# Another one, as each relay has one line under its own.
targets_logger = logging.getLogger("serving.targets")

# A client may send a megabyte as the model's name, and an upstream as its error's code; a line of the log stays a line.
LONGEST_NAME = 256
_UPSTREAM_REQUEST_ID = b"x-gateway-upstream-request-id"


# What a line of ours does not show but other formatters may ask for.
_NOT_SHOWN = {
    **dict.fromkeys(("pathname", "filename", "module", "funcName", "threadName", "processName"), ""),
    **dict.fromkeys(("args", "exc_info", "exc_text", "stack_info", "thread", "process", "taskName")),
    "lineno": 0,
    "relativeCreated": 0.0,
}


class RelayLine(logging.LogRecord):
    """A log record without where in the code it was made, and by which thread and process.

    Finding that out costs more than writing the line.
    """

    def __init__(self, level: int, outcome: str, fields: dict[str, object]) -> None:
        self.__dict__.update(_NOT_SHOWN)
        self.name = logger.name
        self.levelno = level
        self.levelname = logging.getLevelName(level)
        self.msg = outcome
        self.created = time.time()
        self.msecs = self.created % 1 * 1000
        self.fields = fields


class RelayRecord:
    """What one relay was: filled on its way, written once when it is over. Times are in seconds."""

    __slots__ = (
        "_closed",
        "_started",
        "attempts",
        "cause",
        "client_shape",
        "coerced",
        "dropped",
        "error",
        "first_byte",
        "missed_turns",
        "model",
        "param",
        "prepared",
        "project",
        "request_id",
        "restored_turns",
        "route",
        "status",
        "stream",
        "translated",
        "upstream",
        "upstream_model",
        "upstream_request_id",
        "upstream_shape",
        "upstream_status",
        "usage",
    )

    def __init__(self, request_id: str, client_shape: str) -> None:
        self._started = time.monotonic()
        self._closed = False
        self.request_id = request_id
        self.client_shape = client_shape
        self.project = ""
        self.model = ""
        self.route = ""
        self.upstream = ""
        self.upstream_model = ""
        self.upstream_shape = ""
        self.stream = False
        self.translated = False
        self.attempts = 0
        self.status = 0
        self.error = self.param = ""
        self.cause: str | None = None
        self.upstream_status = 0
        self.upstream_request_id = ""
        self.prepared: float | None = None
        self.first_byte: float | None = None
        self.usage: Usage | None = None
        self.dropped: tuple[str, ...] = ()
        self.coerced: tuple[str, ...] = ()
        self.restored_turns = self.missed_turns = 0

    @property
    def translation(self) -> str:
        """`passthrough`, or the two shapes like `messages>chat`; "" before a target was chosen.

        They are the same shape where an upstream is told a conversation that only the gateway has (history.py).
        """
        if not self.upstream_shape:
            return ""
        same = self.upstream_shape == self.client_shape and not self.translated
        return "passthrough" if same else f"{self.client_shape}>{self.upstream_shape}"

    def mark_prepared(self) -> None:
        """Note that the request is ready to be sent: route chosen, body translated."""
        self.prepared = time.monotonic() - self._started

    def mark_first_byte(self) -> None:
        """Note that the upstream's first byte has come."""
        self.first_byte = time.monotonic() - self._started

    def note_lost(self, lost: Ledger | None) -> None:
        """Note what the client does not get of the reply, after what the upstream did not get of the request."""
        if lost is not None:
            self.dropped += lost.dropped
            self.coerced += lost.coerced

    def note_error(self, error: GatewayError, status: int) -> None:
        """Note how the relay failed; `status` is the client's. An error's words stay out: an upstream's may quote.

        Of a refused request the path of what is wrong, of an upstream what the network said and its own request id.
        """
        self.status, self.error = status, _code_of(error)
        if isinstance(error, ClientError):
            self.param = (error.failure.param or "")[:LONGEST_NAME]
        if isinstance(error, UpstreamError):
            self.cause = error.cause
            named = [value for name, value in error.headers if name == _UPSTREAM_REQUEST_ID]
            self.upstream_request_id = named[0][:LONGEST_NAME].decode("latin-1") if named else ""

    def note_next(self, error: UpstreamError) -> None:
        """Write a line about a target that failed: another one is asked now, and may make a success of the relay."""
        fields = {
            "id": self.request_id,
            "route": self.route,
            "upstream": self.upstream,
            "upstream_model": self.upstream_model,
            "error": _code_of(error)[:LONGEST_NAME],
            "cause": error.cause,
            "upstream_status": self.upstream_status or None,
        }
        targets_logger.warning("the next target is tried", extra={"fields": fields})
        self.upstream_status = 0

    def server_timing(self) -> str:
        """Return the times so far as a Server-Timing value, in milliseconds."""
        prepared, first = self.prepared, self.first_byte
        marks = [f"prepare;dur={prepared * 1000:.2f}"] if prepared is not None else []
        if prepared is not None and first is not None:
            marks.append(f"upstream;dur={(first - prepared) * 1000:.2f}")
        return ", ".join(marks)

    def close(self, outcome: str) -> None:
        """Write the record; `outcome` is ended, failed, refused or client_closed. Only the first call counts.

        A refusal is the client's own doing and no reason to wake anybody.
        """
        if self._closed:
            return
        self._closed = True
        level = logging.WARNING if outcome == "failed" else logging.INFO
        if logger.isEnabledFor(level):
            logger.handle(RelayLine(level, outcome, self._fields()))

    def _fields(self) -> dict[str, object]:
        usage = self.usage
        tokens: dict[str, object] = {}
        if usage is not None:
            tokens = {
                "input_tokens": usage.input_tokens,
                "cache_read_tokens": usage.cache_read_tokens,
                "cache_write_tokens": usage.cache_write_tokens,
                "output_tokens": usage.output_tokens,
            }
        return {
            "id": self.request_id,
            "project": self.project or None,
            "model": self.model[:LONGEST_NAME] or None,
            "route": self.route or None,
            "upstream": self.upstream or None,
            "upstream_model": self.upstream_model or None,
            "shape": self.client_shape,
            "translation": self.translation or None,
            "stream": self.stream,
            "status": self.status,
            "error": self.error[:LONGEST_NAME] or None,
            "param": self.param or None,
            "cause": self.cause,
            "upstream_status": self.upstream_status or None,
            "upstream_request_id": self.upstream_request_id or None,
            "attempts": self.attempts,
            "first_byte_ms": None if self.first_byte is None else round(self.first_byte * 1000, 1),
            "total_ms": round((time.monotonic() - self._started) * 1000, 1),
            **tokens,
            "dropped": report(self.dropped).decode() or None,
            "coerced": report(self.coerced).decode() or None,
            "restored_turns": self.restored_turns or None,
            "missed_turns": self.missed_turns or None,
        }


def _code_of(error: GatewayError) -> str:
    return error.failure.code or error.failure.kind.value
