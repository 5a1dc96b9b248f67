"""Content parts of a request to a responses upstream: text, images and files of users and of tools."""

from __future__ import annotations

from collections.abc import Iterable

from translation.hub import Audio, Document, Image, Part, Refusal, Text, Wire
from translation.ledger import Ledger
from translation.reading import unsupported
from translation.shapes.responses.output_items import annotation


def encode_parts(parts: Iterable[Part], origin: str, ledger: Ledger) -> list[Wire]:
    """Return the parts in order; raises RequestRefused for those that this wire has no place for."""
    return [wire for part in parts for wire in _part(part, origin, ledger)]


def encode_spoken(parts: Iterable[Text | Refusal]) -> list[Wire]:
    """Return what the model said, as the content of its message; empty texts are left out."""
    return [_spoken(part) for part in parts if part.text]


def _part(part: Part, origin: str, ledger: Ledger) -> list[Wire]:
    match part:
        case Text() | Refusal():
            return [_text(part.text)]
        case Image():
            return [_image(part, origin)]
        case Document():
            context = [_text(part.context)] if part.context else []
            return [*context, _document(part, origin, ledger)]
        case Audio():
            raise unsupported(
                part.at, "Recorded sound cannot be sent to this model's provider.", "Send what was said as text."
            )


def _text(text: str) -> Wire:
    return {"type": "input_text", "text": text}


def _image(image: Image, origin: str) -> Wire:
    wire: Wire = {"type": "input_image", "detail": image.detail or "auto"}
    if image.file_id:
        _refuse_foreign_file(image.at, origin)
        return {**wire, "file_id": image.file_id}
    return {**wire, "image_url": image.url or f"data:{image.media_type};base64,{image.data}"}


def _document(document: Document, origin: str, ledger: Ledger) -> Wire:
    if document.file_id:
        _refuse_foreign_file(document.at, origin)
        return {"type": "input_file", "file_id": document.file_id}
    if document.url:
        if document.title:
            ledger.drop(f"{document.at}.{'title' if origin == 'messages' else 'filename'}")
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
    return {"type": "output_text", "text": part.text, "annotations": [annotation(c) for c in part.annotations]}
