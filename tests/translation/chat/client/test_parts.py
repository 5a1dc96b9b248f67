"""Content parts of chat clients' messages."""

from __future__ import annotations

from typing import Any

import pytest

from tests.translation.chat.client.conversing import decoded
from translation.failures import RequestRefused
from translation.hub import CacheMark, Document, Image, Part, Text, UserItem
from translation.ledger import Ledger

PDF = "data:application/pdf;base64,JVBERg=="
AT = "messages[0].content[0]"


def part_of(wire: dict[str, Any], ledger: Ledger | None = None) -> Part:
    """Return the part that a user message with this one content part has."""
    (item,) = decoded(ledger, messages=[{"role": "user", "content": [wire]}]).items
    assert isinstance(item, UserItem)
    (part,) = item.parts
    return part


def image(url: str, **members: str) -> dict[str, Any]:
    """Return an image part."""
    return {"type": "image_url", "image_url": {"url": url, **members}}


@pytest.mark.parametrize(
    ("wire", "expected"),
    [
        ({"type": "text", "text": "hi"}, Text(text="hi", at=AT)),
        ({"type": "text", "text": ""}, Text(text="", at=AT)),
        (
            {"type": "text", "text": "hi", "prompt_cache_breakpoint": {"mode": "explicit"}},
            Text(text="hi", cache=CacheMark(), at=AT),
        ),
        (
            {"type": "text", "text": "hi", "prompt_cache_breakpoint": {"mode": "explicit", "ttl": "12h"}},
            Text(text="hi", cache=CacheMark("12h"), at=AT),
        ),
        (image("https://a.example/b.png"), Image(url="https://a.example/b.png", at=AT)),
        (image("HTTP://a.example/b.png", detail="low"), Image(url="HTTP://a.example/b.png", detail="low", at=AT)),
        (image("data:image/png;base64,AAAA"), Image(data="AAAA", media_type="image/png", at=AT)),
        (image("DATA:image/PNG;name=x;BASE64,AAAA"), Image(data="AAAA", media_type="image/png", at=AT)),
        (image("data:image/svg+xml,%3Csvg/%3E"), Image(data="PHN2Zy8+", media_type="image/svg+xml", at=AT)),
        (
            {**image("data:image/png;base64,AAAA"), "prompt_cache_breakpoint": {"mode": "explicit"}},
            Image(data="AAAA", media_type="image/png", cache=CacheMark(), at=AT),
        ),
        (
            {"type": "file", "file": {"file_data": PDF, "filename": "a.pdf"}},
            Document(data="JVBERg==", media_type="application/pdf", title="a.pdf", at=AT),
        ),
        (
            {"type": "file", "file": {"file_data": "data:text/markdown;base64,4pyT", "filename": "a.md"}},
            Document(text="✓", media_type="text/markdown", title="a.md", at=AT),
        ),
        ({"type": "file", "file": {"file_id": "file_1"}}, Document(file_id="file_1", at=AT)),
    ],
)
def test_part_is_read(wire: dict[str, Any], expected: Part) -> None:
    """Every kind of part has its neutral one, with nothing reported."""
    ledger = Ledger()
    assert part_of(wire, ledger) == expected
    assert ledger.dropped == ()


@pytest.mark.parametrize(
    ("wire", "path", "wording"),
    [
        ({}, f"{AT}.type", "Missing"),
        ({"type": "hologram"}, f"{AT}.type", "Supported values"),
        ({"type": "refusal", "refusal": "no"}, f"{AT}.type", "Supported values"),
        ({"type": "input_audio", "input_audio": {"data": "AA", "format": "wav"}}, AT, "cannot listen"),
        ({"type": "text"}, f"{AT}.text", "Missing"),
        ({"type": "text", "text": "a", "prompt_cache_breakpoint": True}, f"{AT}.prompt_cache_breakpoint", "an object"),
        ({"type": "image_url"}, f"{AT}.image_url", "Missing"),
        ({"type": "image_url", "image_url": "https://a.example"}, f"{AT}.image_url", "an object"),
        ({"type": "image_url", "image_url": {}}, f"{AT}.image_url.url", "Missing"),
        (image("ftp://a.example"), f"{AT}.image_url.url", "starts with http://"),
        (image("data:image/png"), f"{AT}.image_url.url", "a data URL"),
        ({"type": "file", "file": {}}, f"{AT}.file.file_data", "Missing"),
        ({"type": "file", "file": {"file_data": "JVBERg=="}}, f"{AT}.file.file_data", "a data URL"),
    ],
)
def test_unusable_part_is_refused(wire: dict[str, Any], path: str, wording: str) -> None:
    """A part that no upstream could be told is refused with its path, since what it says would be lost."""
    with pytest.raises(RequestRefused, match=wording) as refused:
        part_of(wire)
    assert refused.value.failure.param == path


def test_unknown_members_are_reported() -> None:
    """Members that nobody knows are left out and named."""
    ledger = Ledger()
    part_of({**image("https://a.example", focus="left"), "cache_control": {"type": "ephemeral"}}, ledger)
    assert ledger.dropped == (f"unknown:{AT}.cache_control", f"unknown:{AT}.image_url.focus")
