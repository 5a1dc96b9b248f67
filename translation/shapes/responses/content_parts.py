"""Content parts of the responses wire, as clients send them: text, refusals, images and files."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from translation import reading
from translation.data_urls import decode_data_url, decode_text, is_data_url, web_url
from translation.hub import CacheMark, Citation, Document, Image, Part, Refusal, Text, Wire
from translation.ledger import Ledger

PartReader = Callable[[Wire, str, Ledger], Part]


def decode_content(
    wire: Wire, key: str, at: str, readers: Mapping[str, PartReader], ledger: Ledger
) -> tuple[Part, ...]:
    """Return the parts of member `key`, a string or an array of the part types that `readers` lists."""
    content, at = wire.get(key), reading.path(at, key)
    if isinstance(content, str):
        return (Text(text=content, at=at),)
    if content is None:
        raise reading.missing(at)
    if not isinstance(content, list):
        raise reading.wrong_type(at, "a string or an array", content)
    return tuple(_decode_part(part, f"{at}[{index}]", readers, ledger) for index, part in enumerate(content))


def _decode_part(value: object, at: str, readers: Mapping[str, PartReader], ledger: Ledger) -> Part:
    part = reading.element(value, at)
    kind = reading.required_text(part, "type", at)
    if kind not in readers:
        raise reading.unsupported_value(at, kind, tuple(readers))
    for member, value in part.items():
        if member not in _MEMBERS[kind] and value is not None:
            ledger.drop(f"unknown:{at}.{member}")
    return readers[kind](part, at, ledger)


def _text(part: Wire, at: str, ledger: Ledger) -> Text:
    return Text(
        text=reading.required_text(part, "text", at),
        cache=_cache_mark(part, at),
        annotations=_citations(part, at, ledger),
        at=at,
    )


def _refusal(part: Wire, at: str, _: Ledger) -> Refusal:
    return Refusal(text=reading.required_text(part, "refusal", at), at=at)


def _image(part: Wire, at: str, _: Ledger) -> Image:
    url, file_id = reading.text(part, "image_url", at), reading.text(part, "file_id", at)
    detail, cache = reading.text(part, "detail", at), _cache_mark(part, at)
    url_at = reading.path(at, "image_url")
    if url and is_data_url(url):
        media_type, data = decode_data_url(url, url_at)
        return Image(data=data, media_type=media_type, detail=detail, cache=cache, at=at)
    if url:
        return Image(url=web_url(url, url_at), detail=detail, cache=cache, at=at)
    if file_id:
        return Image(file_id=file_id, detail=detail, cache=cache, at=at)
    raise reading.missing(url_at)


def _file(part: Wire, at: str, ledger: Ledger) -> Document:
    if part.get("detail") is not None:
        ledger.drop(reading.path(at, "detail"))
    title, cache = reading.text(part, "filename", at), _cache_mark(part, at)
    data_url, url = reading.text(part, "file_data", at), reading.text(part, "file_url", at)
    file_id = reading.text(part, "file_id", at)
    if data_url:
        media_type, data = decode_data_url(data_url, reading.path(at, "file_data"))
        text = decode_text(media_type, data)
        return Document(
            data=data if text is None else "", media_type=media_type, text=text, title=title, cache=cache, at=at
        )
    if url:
        return Document(url=web_url(url, reading.path(at, "file_url")), title=title, cache=cache, at=at)
    if file_id:
        return Document(file_id=file_id, title=title, cache=cache, at=at)
    raise reading.missing(reading.path(at, "file_data"))


def _cache_mark(part: Wire, at: str) -> CacheMark | None:
    mark = reading.mapping(part, "prompt_cache_breakpoint", at)
    return None if mark is None else CacheMark(reading.text(mark, "ttl", reading.path(at, "prompt_cache_breakpoint")))


def _citations(part: Wire, at: str, ledger: Ledger) -> tuple[Citation, ...]:
    at = reading.path(at, "annotations")
    annotations = [
        (reading.element(value, f"{at}[{index}]"), f"{at}[{index}]")
        for index, value in enumerate(reading.sequence(part, "annotations", at.rpartition(".")[0]) or ())
    ]
    for annotation, annotation_at in annotations:
        if annotation.get("type") != "url_citation":
            ledger.drop(annotation_at)
    return tuple(_citation(part, wire, where) for wire, where in annotations if wire.get("type") == "url_citation")


def _citation(part: Mapping[str, Any], annotation: Wire, at: str) -> Citation:
    start, end = reading.integer(annotation, "start_index", at) or 0, reading.integer(annotation, "end_index", at) or 0
    url, title = reading.required_text(annotation, "url", at), reading.text(annotation, "title", at) or ""
    return Citation(url, title, part["text"][start:end], start, end)


_TEXT_READERS: Mapping[str, PartReader] = {"input_text": _text, "output_text": _text}
SYSTEM_PARTS = _TEXT_READERS
ASSISTANT_PARTS: Mapping[str, PartReader] = {"output_text": _text, "refusal": _refusal, "input_text": _text}
USER_PARTS: Mapping[str, PartReader] = {**_TEXT_READERS, "input_image": _image, "input_file": _file}
OUTPUT_PARTS = USER_PARTS

_MEMBERS: Mapping[str, frozenset[str]] = {
    "input_text": frozenset({"type", "text", "prompt_cache_breakpoint", "annotations", "logprobs"}),
    "output_text": frozenset({"type", "text", "prompt_cache_breakpoint", "annotations", "logprobs", "parsed"}),
    "refusal": frozenset({"type", "refusal"}),
    "input_image": frozenset({"type", "image_url", "file_id", "detail", "prompt_cache_breakpoint"}),
    "input_file": frozenset(
        {"type", "file_data", "file_url", "file_id", "filename", "detail", "prompt_cache_breakpoint"}
    ),
}
