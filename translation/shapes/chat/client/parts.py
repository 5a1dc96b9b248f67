"""Content parts of a chat client's messages: text, refusals, images and files, decoded into parts of the hub."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from translation import reading
from translation.data_urls import decode_data_url, decode_text, is_data_url, web_url
from translation.hub import CacheMark, Document, Image, Part, Refusal, Text, Wire
from translation.ledger import Ledger

PartReader = Callable[[Wire, str, Ledger], Part]

_CACHE_MARK = "prompt_cache_breakpoint"


def decode_content(wire: Wire, at: str, readers: Mapping[str, PartReader], ledger: Ledger) -> tuple[Part, ...]:
    """Return the parts of `content`, a string or an array of the part types that `readers` lists."""
    content, where = wire.get("content"), reading.path(at, "content")
    if isinstance(content, str):
        return (Text(text=content, at=where),)
    if not isinstance(content, list):
        raise (
            reading.wrong_type(where, "a string or an array", content) if "content" in wire else reading.missing(where)
        )
    return tuple(_part(part, place, readers, ledger) for part, place in reading.elements(wire, "content", at))


def _part(part: Wire, at: str, readers: Mapping[str, PartReader], ledger: Ledger) -> Part:
    kind = reading.required_text(part, "type", at)
    if kind == "input_audio":
        raise reading.unsupported(at, "This model cannot listen.", "Send the words as text.")
    if kind not in readers:
        raise reading.unsupported_value(reading.path(at, "type"), kind, tuple(readers))
    return readers[kind](part, at, ledger)


def _text(part: Wire, at: str, ledger: Ledger) -> Text:
    reading.note_unknown(part, ("type", "text", _CACHE_MARK), at, ledger)
    return Text(text=reading.required_text(part, "text", at), cache=_cache_mark(part, at), at=at)


def _refusal(part: Wire, at: str, ledger: Ledger) -> Refusal:
    reading.note_unknown(part, ("type", "refusal"), at, ledger)
    return Refusal(text=reading.required_text(part, "refusal", at), at=at)


def _image(part: Wire, at: str, ledger: Ledger) -> Image:
    reading.note_unknown(part, ("type", "image_url", _CACHE_MARK), at, ledger)
    image, where = _inner(part, "image_url", at)
    reading.note_unknown(image, ("url", "detail"), where, ledger)
    url, url_at = reading.required_text(image, "url", where), reading.path(where, "url")
    detail, cache = reading.text(image, "detail", where), _cache_mark(part, at)
    if is_data_url(url):
        media_type, data = decode_data_url(url, url_at)
        return Image(data=data, media_type=media_type, detail=detail, cache=cache, at=at)
    return Image(url=web_url(url, url_at), detail=detail, cache=cache, at=at)


def _file(part: Wire, at: str, ledger: Ledger) -> Document:
    reading.note_unknown(part, ("type", "file", _CACHE_MARK), at, ledger)
    file, where = _inner(part, "file", at)
    reading.note_unknown(file, ("file_data", "file_id", "filename"), where, ledger)
    title, cache = reading.text(file, "filename", where), _cache_mark(part, at)
    content, file_id = reading.text(file, "file_data", where), reading.text(file, "file_id", where)
    if content:
        media_type, data = decode_data_url(content, reading.path(where, "file_data"))
        text = decode_text(media_type, data)
        return Document(
            data=data if text is None else "", media_type=media_type, text=text, title=title, cache=cache, at=at
        )
    if file_id:
        return Document(file_id=file_id, title=title, cache=cache, at=at)
    raise reading.missing(reading.path(where, "file_data"))


def _inner(part: Wire, key: str, at: str) -> tuple[Wire, str]:
    inner, where = reading.mapping(part, key, at), reading.path(at, key)
    if inner is None:
        raise reading.missing(where)
    return inner, where


def _cache_mark(part: Wire, at: str) -> CacheMark | None:
    mark = reading.mapping(part, _CACHE_MARK, at)
    return None if mark is None else CacheMark(reading.text(mark, "ttl", reading.path(at, _CACHE_MARK)))


SYSTEM_PARTS: Mapping[str, PartReader] = {"text": _text}
USER_PARTS: Mapping[str, PartReader] = {"text": _text, "image_url": _image, "file": _file}
ASSISTANT_PARTS: Mapping[str, PartReader] = {"text": _text, "refusal": _refusal}
# The API takes text only; clients of models that see send pictures as well.
RESULT_PARTS = USER_PARTS
