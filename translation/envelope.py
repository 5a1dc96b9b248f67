"""Envelopes: an upstream's opaque state, carried through a client shape that has no place of its own for it.

An envelope is `gw1.` and the base64url of a JSON object: `o` the shape that it came from, `d` the deployment that can
read it (see `deployment_tag`), `b` the native objects verbatim, `s` a sum of all three, by which an edit is noticed.
Clients keep it as an opaque string and send it back.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from typing import Any

import msgspec
from msgspec import Struct

PREFIX = "gw1."
SUM_BYTES = 6


class Envelope(Struct, frozen=True):
    """The content of an envelope."""

    origin: str
    deployment: str
    blocks: tuple[dict[str, Any], ...]


class _Wire(Struct, frozen=True):
    v: int
    o: str
    d: str
    b: tuple[dict[str, Any], ...]
    s: str


def deployment_tag(provider: str, account: str) -> str:
    """Return a short tag that tells provider accounts apart without naming them."""
    return hashlib.sha256(f"{provider}\0{account}".encode()).hexdigest()[:12]


def seal(envelope: Envelope) -> str:
    """Return the envelope as a string of characters that every wire takes."""
    content = msgspec.json.encode((envelope.origin, envelope.deployment, envelope.blocks))
    summed = hashlib.blake2b(content, digest_size=SUM_BYTES).hexdigest()
    wire = _Wire(1, envelope.origin, envelope.deployment, envelope.blocks, summed)
    return PREFIX + base64.urlsafe_b64encode(msgspec.json.encode(wire)).rstrip(b"=").decode()


def is_sealed(opaque: str) -> bool:
    """Tell an envelope of ours, readable or not, from a provider's own opaque string."""
    return opaque.startswith(PREFIX)


def unseal(opaque: str) -> Envelope | None:
    """Return what the envelope holds, or None if it is not one of ours or was cut or edited on the way."""
    if not is_sealed(opaque):
        return None
    body = opaque[len(PREFIX) :]
    try:
        wire = msgspec.json.decode(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)), type=_Wire)
    except (binascii.Error, UnicodeError, ValueError, RecursionError):
        return None
    envelope = Envelope(wire.o, wire.d, wire.b)
    # Only what was sealed here seals to the same string again: any other sum, version or spelling is an edit.
    return envelope if seal(envelope) == opaque else None
