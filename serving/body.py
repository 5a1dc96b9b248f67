"""The client's body: read once, checked, and edited without touching a byte that the edit is not about."""

from __future__ import annotations

import re
from typing import Any

import msgspec
from msgspec import Struct

from serving.errors import ClientError, invalid_request

_KEY = re.compile(rb'[ \t\n\r]*("(?:[^"\\]|\\.){0,256}")[ \t\n\r]*:[ \t\n\r]*')
_NEXT = re.compile(rb"[ \t\n\r]*([,}])")
_START = re.compile(rb"[ \t\n\r]*\{")
# More than any client sends: what one request may cost the others on this worker has a bound.
MAX_MEMBERS = 1_000
MAX_ITEMS = {"messages": 100_000, "input": 100_000, "tools": 10_000}
_raw_members = msgspec.json.Decoder(dict[str, msgspec.Raw])


class Body(Struct, frozen=True):
    """A request body: its bytes, its members decoded, and where in the bytes each top-level value stands."""

    raw: bytes
    members: dict[str, Any]
    spans: dict[str, tuple[int, int]]

    @property
    def model(self) -> str | None:
        """The model that the client asks for; None if it names none."""
        return self.members.get("model")

    @property
    def stream(self) -> bool:
        """Whether the client asks for a stream."""
        return self.members.get("stream") is True

    def with_model(self, model: str) -> bytes:
        """Return the body's bytes with another model name and nothing else changed."""
        encoded = msgspec.json.encode(model)
        if "model" in self.spans:
            start, end = self.spans["model"]
            return b"".join((self.raw[:start], encoded, self.raw[end:]))
        opening = self.raw.index(b"{") + 1
        comma = b"," if self.spans else b""
        return b"".join((self.raw[:opening], b'"model":', encoded, comma, self.raw[opening:]))


def parse_body(raw: bytes) -> Body:
    """Return the body; raises ClientError (400) that says what is wrong and where."""
    try:
        members = msgspec.json.decode(raw)
        values = _raw_members.decode(raw) if isinstance(members, dict) else {}
    except msgspec.ValidationError as exc:
        raise _unparseable(f"a number is out of range ({exc})") from exc
    except UnicodeDecodeError as exc:
        raise _unparseable("it is not valid UTF-8") from exc
    except RecursionError as exc:
        raise _unparseable("it is nested too deeply") from exc
    except msgspec.DecodeError as exc:
        raise _unparseable(str(exc)) from exc
    if not isinstance(members, dict):
        raise invalid_request('The body must be a JSON object, like {"model": "...", ...}.', code="invalid_json")
    _check_bounds(members)
    spans = _spans(raw, values)
    model = members.get("model")
    if model is not None and not isinstance(model, str):
        raise invalid_request("Invalid type for 'model': expected a string.", param="model", code="invalid_type")
    if model is not None and not model.isprintable():
        raise invalid_request("Invalid 'model': control characters.", param="model", code="invalid_value")
    stream = members.get("stream")
    if stream is not None and not isinstance(stream, bool):
        raise invalid_request("Invalid type for 'stream': expected a boolean.", param="stream", code="invalid_type")
    return Body(raw, members, spans)


def _unparseable(why: str) -> ClientError:
    message = f"We could not parse the JSON body of your request: {why[:300]}."
    return invalid_request(message, code="invalid_json")


def _check_bounds(members: dict[str, Any]) -> None:
    if len(members) > MAX_MEMBERS:
        raise invalid_request(f"The body has more than {MAX_MEMBERS} members.", code="invalid_json")
    for name, most in MAX_ITEMS.items():
        items = members.get(name)
        if isinstance(items, list) and len(items) > most:
            raise invalid_request(f"'{name}' has more than {most} items.", param=name, code="array_above_max_length")


def _spans(raw: bytes, values: dict[str, msgspec.Raw]) -> dict[str, tuple[int, int]]:
    """Return the span of each top-level value.

    A name that stands twice is refused: we would judge by one of its values, and the upstream could act on the other.
    """
    spans: dict[str, tuple[int, int]] = {}
    opening = _START.match(raw)
    position = opening.end() if opening else 0
    while key := _KEY.match(raw, position):
        name = msgspec.json.decode(key.group(1))
        # Of a name that stands twice, `values` has the last value; its length leads astray at the first one.
        end = key.end() + len(memoryview(values[name]))
        following = _NEXT.match(raw, end)
        if name in spans or following is None:
            message = f"The member '{name[:64]}' stands twice in the body."
            raise invalid_request(message, param=name[:64], code="invalid_json")
        spans[name] = (key.end(), end)
        position = following.end()
    if len(spans) != len(values):
        raise invalid_request("The name of a member is longer than 256 characters.", code="invalid_json")
    return spans
