"""Content blocks of a request: text, images, documents and search results, decoded into parts of the hub."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

import msgspec

from translation import reading
from translation.failures import RequestRefused
from translation.hub import CacheMark, Citation, Document, Image, Part, Text, Wire
from translation.ledger import Ledger

_TEXT_MEMBERS = ("type", "text", "cache_control", "citations")
_IMAGE_MEMBERS = ("type", "source", "cache_control", "transformations")
_DOCUMENT_MEMBERS = ("type", "source", "cache_control", "citations", "context", "title")
_SOURCE_MEMBERS = ("type", "media_type", "data", "url", "file_id", "content")
_SEARCH_RESULT_MEMBERS = ("type", "content", "source", "title", "cache_control", "citations")


def decode_part(block: Wire, at: str, ledger: Ledger, allowed: Collection[str]) -> tuple[Part, ...]:
    """Return what a block says, as parts; a block whose type is not in `allowed` is refused."""
    kind = reading.required_text(block, "type", at)
    decode = _PARTS.get(kind)
    if decode is None or kind not in allowed:
        raise reading.unsupported_value(reading.path(at, "type"), kind, tuple(allowed))
    return decode(block, at, ledger)


def decode_text(block: Wire, at: str, ledger: Ledger) -> Text:
    """Return a text block as text; the citations of web sources are kept."""
    reading.note_unknown(block, _TEXT_MEMBERS, at, ledger)
    text = reading.required_text(block, "text", at)
    return Text(text=text, cache=cache_mark(block, at), annotations=_citations(block, text, at, ledger), at=at)


def cache_mark(block: Mapping[str, Any], at: str) -> CacheMark | None:
    """Return the block's `cache_control`."""
    mark = reading.mapping(block, "cache_control", at)
    return None if mark is None else CacheMark(reading.text(mark, "ttl", reading.path(at, "cache_control")))


def compact_json(value: object, at: str) -> str:
    """Return the value as JSON without spaces; one that is nested deeper than the interpreter can follow is refused."""
    try:
        return msgspec.json.encode(value).decode()
    except RecursionError:
        raise RequestRefused(f"'{at}' is nested too deeply.", param=at, code="invalid_value") from None


def _text(block: Wire, at: str, ledger: Ledger) -> tuple[Part, ...]:
    return (decode_text(block, at, ledger),)


def _image(block: Wire, at: str, ledger: Ledger) -> tuple[Part, ...]:
    reading.note_unknown(block, _IMAGE_MEMBERS, at, ledger)
    if block.get("transformations") is not None:
        ledger.drop(reading.path(at, "transformations"))
    source, kind, where = _source(block, at, ("base64", "url", "file"), ledger)
    cache = cache_mark(block, at)
    match kind:
        case "url":
            return (Image(url=reading.required_text(source, "url", where), cache=cache, at=at),)
        case "file":
            return (Image(file_id=reading.required_text(source, "file_id", where), cache=cache, at=at),)
        case _:
            data = reading.required_text(source, "data", where)
            return (
                Image(data=data, media_type=reading.required_text(source, "media_type", where), cache=cache, at=at),
            )


def _document(block: Wire, at: str, ledger: Ledger) -> tuple[Part, ...]:
    reading.note_unknown(block, _DOCUMENT_MEMBERS, at, ledger)
    _drop_citations_switch(block, at, ledger)
    source, kind, where = _source(block, at, ("base64", "text", "url", "file", "content"), ledger)
    if kind == "content":
        return _nested_content(source, where, ledger)
    url = file_id = data = media_type = ""
    text = None
    match kind:
        case "url":
            url = reading.required_text(source, "url", where)
        case "file":
            file_id = reading.required_text(source, "file_id", where)
        case "text":
            text = reading.required_text(source, "data", where)
        case _:
            data = reading.required_text(source, "data", where)
            media_type = reading.required_text(source, "media_type", where)
    document = Document(
        url=url,
        file_id=file_id,
        data=data,
        media_type=media_type,
        text=text,
        title=reading.text(block, "title", at),
        context=reading.text(block, "context", at),
        cache=cache_mark(block, at),
        at=at,
    )
    return (document,)


def _nested_content(source: Wire, where: str, ledger: Ledger) -> tuple[Part, ...]:
    content = source.get("content")
    if isinstance(content, str):
        return (Text(text=content, at=reading.path(where, "content")),)
    nested = reading.elements(source, "content", where)
    return tuple(part for block, at in nested for part in decode_part(block, at, ledger, ("text", "image")))


def _search_result(block: Wire, at: str, ledger: Ledger) -> tuple[Part, ...]:
    reading.note_unknown(block, _SEARCH_RESULT_MEMBERS, at, ledger)
    _drop_citations_switch(block, at, ledger)
    lines = [reading.required_text(block, "title", at), reading.required_text(block, "source", at)]
    lines += [decode_text(line, where, ledger).text for line, where in reading.elements(block, "content", at)]
    return (Text(text="\n".join(lines), cache=cache_mark(block, at), at=at),)


def _source(block: Wire, at: str, allowed: tuple[str, ...], ledger: Ledger) -> tuple[Wire, str, str]:
    source, where = reading.mapping(block, "source", at), reading.path(at, "source")
    if source is None:
        raise reading.missing(where)
    kind = reading.one_of(source, "type", allowed, where)
    if kind is None:
        raise reading.missing(reading.path(where, "type"))
    reading.note_unknown(source, _SOURCE_MEMBERS, where, ledger)
    return source, kind, where


def _drop_citations_switch(block: Wire, at: str, ledger: Ledger) -> None:
    switch = reading.mapping(block, "citations", at)
    if switch and reading.boolean(switch, "enabled", reading.path(at, "citations")):
        ledger.drop(reading.path(at, "citations"))


def _citations(block: Wire, text: str, at: str, ledger: Ledger) -> tuple[Citation, ...]:
    kept = []
    for wire, where in reading.elements(block, "citations", at):
        if wire.get("encrypted_index") == "":
            continue  # one that we showed: no vendor wrote it, and none gets it
        if reading.text(wire, "type", where) == "web_search_result_location":
            url, title = reading.required_text(wire, "url", where), reading.text(wire, "title", where)
            cited_text = reading.text(wire, "cited_text", where)
            kept.append(Citation(url, title or "", cited_text or "", 0, len(text)))
        else:
            ledger.drop(reading.path(at, "citations"))
    return tuple(kept)


_PARTS: Mapping[str, Callable[[Wire, str, Ledger], tuple[Part, ...]]] = {
    "text": _text,
    "image": _image,
    "document": _document,
    "search_result": _search_result,
}
