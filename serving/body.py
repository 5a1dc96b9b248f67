"""The client's body: read once, checked, and edited without touching a byte that the edit is not about."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Struct

from serving.errors import ClientError, invalid_request
from serving.splicing import Ambiguous, Span, renamed_from, spans_of, with_members

# More than any client sends: what one request may cost the others on this worker has a bound.
MAX_MEMBERS = 1_000
MAX_ITEMS = {"messages": 100_000, "input": 100_000, "tools": 10_000}


class Body(Struct, frozen=True):
    """A request body: its bytes, its members decoded, and where in the bytes each top-level member stands."""

    raw: bytes
    members: dict[str, Any]
    spans: dict[str, Span]

    @property
    def model(self) -> str | None:
        """The model that the client asks for; None if it names none."""
        return self.members.get("model")

    @property
    def stream(self) -> bool:
        """Whether the client asks for a stream."""
        return self.members.get("stream") is True

    def with_members(self, members: Mapping[str, Any]) -> bytes:
        """Return the body's bytes with other top-level members; what is the same keeps its bytes.

        Whoever edits takes over the values of `self.members` that stay, and their order.
        """
        return with_members(self.raw, self.spans, self.members, members)


def changes_of(old: Mapping[str, Any], new: Mapping[str, Any]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the names of the members that an edit took out, and of those whose value it changed.

    A member that goes on under another name is neither.
    """
    if new is old:
        return (), ()
    renamed = {renamed_from(name, old, new) for name in new if name not in old}
    gone = tuple(name for name in old if name not in new and name not in renamed)
    return gone, tuple(name for name, value in old.items() if name in new and new[name] != value)


def parse_body(raw: bytes) -> Body:
    """Return the body; raises ClientError (400) that says what is wrong and where."""
    try:
        members = msgspec.json.decode(raw)
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
    spans = _spans(raw)
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


def _spans(raw: bytes) -> dict[str, Span]:
    """Return where the top-level members stand.

    A name that stands twice is refused: we would judge by one of its values, and the upstream could act on the other.
    """
    try:
        return spans_of(raw)
    except Ambiguous as exc:
        if exc.name is None:
            message = "The name of a member is longer than 256 characters."
            raise invalid_request(message, code="invalid_json") from exc
        message = f"The member '{exc.name[:64]}' stands twice in the body."
        raise invalid_request(message, param=exc.name[:64], code="invalid_json") from exc
