"""Parts of the hub as content blocks of a message: text, images and documents.

A block with no visible text is left out, since the wire refuses it. What only another provider can read (a file id) is
refused, and so is what the wire has no block for.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Mapping

from msgspec import Struct

from translation.failures import RequestRefused
from translation.hub import Audio, Citation, Document, Image, Part, Refusal, Text, Wire
from translation.ledger import Ledger
from translation.profiles import Profile
from translation.reading import unsupported
from translation.shapes.messages.upstream.cache_marks import is_blank
from translation.shapes.messages.upstream.members import member

_IMAGE_TYPES = ("image/jpeg", "image/png", "image/gif", "image/webp")
_MISNAMED = {"image/jpg": "image/jpeg", "image/pjpeg": "image/jpeg", "image/x-png": "image/png"}
_PDF = "application/pdf"
_TEXTUAL = frozenset(
    {
        "application/json",
        "application/xml",
        "application/yaml",
        "application/x-yaml",
        "application/javascript",
        "application/x-ndjson",
    }
)


class Writing(Struct, frozen=True, kw_only=True):
    """What the writing of one conversation needs to know; `marks` is the `cache_control` of parts, by path."""

    origin: str
    deployment: str
    profile: Profile
    marks: Mapping[str, Wire]
    ledger: Ledger


def encode_parts(parts: Iterable[Part], writing: Writing) -> list[Wire]:
    """Return the blocks of the parts, in order; raises RequestRefused for what this wire has no block for."""
    return [block for part in parts if not is_blank(part) for block in _blocks(part, writing)]


def _blocks(part: Part, writing: Writing) -> list[Wire]:
    match part:
        case Text():
            block: Wire = {"type": "text", "text": part.text}
            if keeps_sources(part):
                block |= {"citations": [_source_of_words(source) for source in part.annotations]}
            elif part.annotations and part.at:  # what the gateway itself put back, the client has not sent
                writing.ledger.drop(f"{part.at.removesuffix('.content')}.annotations")
        case Refusal():
            writing.ledger.coerce(part.at)
            return [{"type": "text", "text": part.text}]
        case Image():
            block = _image(part, writing)
        case Document():
            if part.text is not None and not part.text.strip():
                return []
            block = _document(part)
        case Audio():
            raise unsupported(part.at, "This model cannot hear.", "Send the words as text.")
    if part.cache is not None and part.at in writing.marks:
        block["cache_control"] = writing.marks[part.at]
    return [block]


def keeps_sources(text: Text) -> bool:
    """Tell a text with sources that go back: to their maker, with the maker's own index, which no client carries."""
    return bool(text.annotations) and all(source.opaque for source in text.annotations)


def _source_of_words(source: Citation) -> Wire:
    known_as = {"url": source.url, "title": source.title or None, "cited_text": source.cited_text}
    return {"type": "web_search_result_location", **known_as, "encrypted_index": source.opaque}


def _image(image: Image, writing: Writing) -> Wire:
    if image.detail not in (None, "auto"):
        writing.ledger.drop(f"{image.at}.{member(writing.origin, 'detail')}")
    if image.file_id:
        raise unsupported(
            image.at,
            "An image by file id cannot be sent to this model's provider.",
            "Send the image's data or its URL.",
        )
    if image.url:
        return {"type": "image", "source": {"type": "url", "url": image.url}}
    media_type = image.media_type.lower()
    media_type = _MISNAMED.get(media_type, media_type)
    if media_type not in _IMAGE_TYPES:
        raise _unsupported_type(image.at, media_type, _IMAGE_TYPES)
    return {"type": "image", "source": {"type": "base64", "media_type": media_type, "data": image.data}}


def _document(document: Document) -> Wire:
    block: Wire = {"type": "document", "source": _source(document)}
    if document.title:
        block["title"] = document.title
    if document.context:
        block["context"] = document.context
    return block


def _source(document: Document) -> Wire:
    if document.file_id:
        raise unsupported(
            document.at, "A file id cannot be sent to this model's provider.", "Send the file's data instead."
        )
    if document.url:
        return {"type": "url", "url": document.url}
    media_type = document.media_type.lower() or _PDF
    if document.text is not None:
        text = document.text
    elif media_type == _PDF:
        return {"type": "base64", "media_type": _PDF, "data": document.data}
    elif _is_textual(media_type):
        text = _decoded(document)
    else:
        raise _unsupported_type(document.at, media_type, (_PDF, "text/plain"))
    return {"type": "text", "media_type": "text/plain", "data": text}


def _is_textual(media_type: str) -> bool:
    return media_type.startswith("text/") or media_type in _TEXTUAL or media_type.endswith(("+json", "+xml"))


def _decoded(document: Document) -> str:
    try:
        return base64.b64decode(document.data, validate=True).decode()
    except (binascii.Error, ValueError) as exc:
        raise RequestRefused(
            f"The file at '{document.at}' is not text in UTF-8. Send it as PDF.",
            param=document.at,
            code="invalid_value",
        ) from exc


def _unsupported_type(at: str, media_type: str, allowed: Iterable[str]) -> RequestRefused:
    return RequestRefused(
        f"This model cannot read '{media_type[:64]}' files. Send one of: {', '.join(allowed)}.",
        param=at,
        code="unsupported_file",
    )
