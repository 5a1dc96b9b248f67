"""The limits of an account at the upstream, in headers: each family of shapes writes them in its own way.

OpenAI's shapes: `x-ratelimit-{limit,remaining,reset}-{requests,tokens}`, the reset as a duration (`6m0s`). Anthropic's:
`anthropic-ratelimit-{requests,tokens}-{limit,remaining,reset}`, the reset as a time (RFC 3339). Source: both vendors'
pages on rate limits, November 2026.
"""

from __future__ import annotations

import math
import re
import time
from collections.abc import Callable
from datetime import datetime

from msgspec import Struct

PREFIXES = (b"x-ratelimit-", b"anthropic-ratelimit-")

_DURATION = re.compile(r"(?:(\d{1,5})h)?(?:(\d{1,5})m(?!s))?(?:(\d{1,8}(?:\.\d+)?)s)?(?:(\d{1,8}(?:\.\d+)?)ms)?")
_UNIT_SECONDS = (3600, 60, 1, 0.001)
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)", re.IGNORECASE)
_COUNT = re.compile(rb"\d{1,15}")


class _Family(Struct, frozen=True):
    """A way to write limits. A reset is read as Unix seconds, None if it cannot be; both ways are told the time."""

    name: re.Pattern[str]
    written: str
    read_reset: Callable[[str, float], float | None]
    write_reset: Callable[[float, float], str]


def rate_limit(name: bytes, value: bytes, shape: str, client_shape: str, now: float) -> tuple[bytes, bytes] | None:
    """Return the header as the client's shape writes it, None where that shape has no such limit or it is unreadable.

    `name` is in lower case, `shape` the upstream's, `now` Unix seconds. Between shapes of one family nothing changes.
    """
    family, wanted = _family_of(shape), _family_of(client_shape)
    if family is wanted:
        return name, value
    limit = family.name.fullmatch(name.decode("latin-1"))
    if limit is None:
        return None
    if limit["field"] == "reset":
        reset = family.read_reset(value.decode("latin-1"), now)
        if reset is None:
            return None
        value = wanted.write_reset(reset, now).encode("ascii")
    elif not _COUNT.fullmatch(value):
        return None
    return wanted.written.format_map(limit.groupdict()).encode("ascii"), value


def _time_after(duration: str, now: float) -> float | None:
    parts = _DURATION.fullmatch(duration)
    if parts is None or not duration:
        return None
    return now + sum(float(part or 0) * unit for part, unit in zip(parts.groups(), _UNIT_SECONDS, strict=True))


def _duration_until(moment: float, now: float) -> str:
    # Rounded up: who comes back too early is refused again.
    minutes, seconds = divmod(max(0, math.ceil(moment - now)), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours}h{minutes}m{seconds}s"
    return f"{minutes}m{seconds}s" if minutes else f"{seconds}s"


def _time_of(text: str, _: float) -> float | None:
    if _TIME.fullmatch(text) is None:
        return None
    try:
        return datetime.fromisoformat(text.upper()).timestamp()
    except (ValueError, OverflowError):
        return None


def _time_as_text(moment: float, _: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(math.ceil(moment)))


_DURATIONS = _Family(
    re.compile(r"x-ratelimit-(?P<field>limit|remaining|reset)-(?P<counted>requests|tokens)"),
    "x-ratelimit-{field}-{counted}",
    _time_after,
    _duration_until,
)
_TIMES = _Family(
    re.compile(r"anthropic-ratelimit-(?P<counted>requests|tokens)-(?P<field>limit|remaining|reset)"),
    "anthropic-ratelimit-{counted}-{field}",
    _time_of,
    _time_as_text,
)


def _family_of(shape: str) -> _Family:
    return _TIMES if shape == "messages" else _DURATIONS
