"""Events of a responses stream as bytes: each has its name, its data with `type`, and the next `sequence_number`.

Deltas are most of a stream, so their bytes are built once per part, with room for the text and the number.
"""

from __future__ import annotations

import msgspec

from translation.failures import Failure
from translation.hub import Wire
from translation.shapes.openai_errors import error_object
from translation.sse import encode_event

_encoder = msgspec.json.Encoder()

encode_text = _encoder.encode
KEEP_ALIVE = b": keep-alive\n\n"


def event_bytes(name: str, fields: Wire, number: int) -> bytes:
    """Return one event."""
    return encode_event(name, _encoder.encode({"type": name, "sequence_number": number, **fields}))


def delta_template(name: str, fields: Wire, trailer: Wire) -> bytes:
    """Return a delta event's bytes with `%b` for its JSON text, then the `trailer`, and `%d` for its number."""
    head = _encoder.encode({"type": name, **fields})[:-1].replace(b"%", b"%%")
    tail = b"".join(b',"%b":%b' % (key.encode(), _encoder.encode(value)) for key, value in trailer.items())
    return encode_event(name, head + b',"delta":%b' + tail.replace(b"%", b"%%") + b',"sequence_number":%d}')


def failure_bytes(failure: Failure, failed_response: Wire, number: int) -> bytes:
    """Return the two events that end a broken stream.

    OpenAI's API nests the error, its types have it flat, the SDK raises on the nested form only: the event has both.
    """
    inner = error_object(failure)
    flat = {"code": inner["code"], "message": inner["message"], "param": None, "error": {**inner, "param": None}}
    last = event_bytes("response.failed", {"response": failed_response}, number + 1)
    return event_bytes("error", flat, number) + last
