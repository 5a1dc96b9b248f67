"""Content parts of a request to a responses upstream: text, images and files of users and of tools."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from msgspec import Struct
from msgspec.structs import replace

from translation.hub import Audio, Citation, Document, Image, Part, Refusal, Text, Wire
from translation.ledger import Ledger
from translation.reading import unsupported
from translation.shapes.responses.output_items import annotation


class Writing(Struct, frozen=True, kw_only=True):
    """What the writing of a conversation depends on, besides the conversation.

    `origin` is the shape of the client that sent it, and `deployment` the tag of the account that reads it. `markable`:
    the model takes cache breakpoints; `breakpoints` are those of this request, by the path of their part.
    """

    origin: str
    deployment: str
    ledger: Ledger
    markable: bool = False
    breakpoints: Mapping[str, Wire] = {}


def encode_parts(parts: Iterable[Part], writing: Writing) -> list[Wire]:
    """Return the parts in order; raises RequestRefused for those that this wire has no place for."""
    return [wire for part in parts for wire in _part(part, writing)]


def encode_spoken(parts: Iterable[Text | Refusal]) -> list[Wire]:
    """Return what the model said, as the content of its message; empty texts are left out."""
    return [_spoken(part) for part in parts if part.text]


def _part(part: Part, writing: Writing) -> list[Wire]:
    match part:
        case Text() | Refusal():
            return [_marked(_text(part.text), part.at, writing)]
        case Image():
            return [_marked(_image(part, writing.origin), part.at, writing)]
        case Document():
            context = [_text(part.context)] if part.context else []
            return [*context, _marked(_document(part, writing), part.at, writing)]
        case Audio():
            raise unsupported(
                part.at, "Recorded sound cannot be sent to this model's provider.", "Send what was said as text."
            )


def _marked(wire: Wire, at: str, writing: Writing) -> Wire:
    mark = writing.breakpoints.get(at)
    return wire if mark is None else {**wire, "prompt_cache_breakpoint": mark}


def _text(text: str) -> Wire:
    return {"type": "input_text", "text": text}


def _image(image: Image, origin: str) -> Wire:
    wire: Wire = {"type": "input_image", "detail": image.detail or "auto"}
    if image.file_id:
        _refuse_foreign_file(image.at, origin)
        return {**wire, "file_id": image.file_id}
    return {**wire, "image_url": image.url or f"data:{image.media_type};base64,{image.data}"}


def _document(document: Document, writing: Writing) -> Wire:
    if document.file_id:
        _refuse_foreign_file(document.at, writing.origin)
        return {"type": "input_file", "file_id": document.file_id}
    if document.url:
        if document.title:
            writing.ledger.drop(f"{document.at}.{'title' if writing.origin == 'messages' else 'filename'}")
        return {"type": "input_file", "file_url": document.url}
    if document.text is not None:
        title = f' title="{document.title}"' if document.title else ""
        return _text(f"<document{title}>\n{document.text}\n</document>")
    data = f"data:{document.media_type or 'application/pdf'};base64,{document.data}"
    return {"type": "input_file", "filename": document.title or "document.pdf", "file_data": data}


def _refuse_foreign_file(at: str, origin: str) -> None:
    # A file's id means something to the vendor that gave it; chat and responses are the same vendor's wires.
    if origin == "messages":
        raise unsupported(
            at, "A file id of another provider cannot be sent to this model's provider.", "Send the file's data."
        )


def _spoken(part: Text | Refusal) -> Wire:
    if isinstance(part, Refusal):
        return {"type": "refusal", "refusal": part.text}
    annotations = [annotation(_placed(citation, part.text)) for citation in part.annotations]
    return {"type": "output_text", "text": part.text, "annotations": annotations}


def _placed(citation: Citation, text: str) -> Citation:
    """Return a source at the place of the words that it supports, where a client kept the words and not the place."""
    words = citation.cited_text
    start = text.find(words) if words and text[citation.start : citation.end] != words else -1
    return citation if start < 0 else replace(citation, start=start, end=start + len(words))
