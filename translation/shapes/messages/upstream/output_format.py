"""The form that the answer must have: a schema that the vendor holds the model to, or words that ask for it."""

from __future__ import annotations

import msgspec

from translation.hub import Request, Wire
from translation.ledger import Ledger
from translation.profiles import Profile
from translation.shapes.messages.upstream.members import member
from translation.shapes.messages.upstream.schema import reduced

ANY_OBJECT = "Respond with a single JSON object and nothing else."


def encode_output_format(request: Request, profile: Profile, ledger: Ledger) -> tuple[Wire, list[Wire]]:
    """Return the member for `output_config`, and the block that says it in `system` where there is no such member."""
    wanted = request.output_format
    if wanted is None:
        return {}, []
    at = member(request.origin, "output_format")
    if wanted.schema is None:
        ledger.coerce(at)
        return {}, [_text(ANY_OBJECT)]
    if not profile.structured_output:
        ledger.coerce(at)
        schema = msgspec.json.encode(wanted.schema).decode()
        return {}, [_text(f"{ANY_OBJECT} It must fit this JSON Schema:\n{schema}")]
    if wanted.description:
        # The name is a mere label; strictness is what this vendor's decoding is anyway.
        ledger.drop(f"{member(request.origin, 'schema')}.description")
    schema_sent = reduced(wanted.schema)
    if schema_sent != wanted.schema:
        ledger.coerce(at)
    return {"format": {"type": "json_schema", "schema": schema_sent}}, []


def _text(text: str) -> Wire:
    return {"type": "text", "text": text}
