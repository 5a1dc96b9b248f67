"""Content blocks of a Messages request, as parts of the hub."""

from __future__ import annotations

from typing import Any

import pytest

from translation.failures import RequestRefused
from translation.hub import CacheMark, Document, Image, Part, Text
from translation.ledger import Ledger
from translation.shapes.messages.blocks import decode_part

ALLOWED = ("text", "image", "document", "search_result")
PDF = {"type": "base64", "media_type": "application/pdf", "data": "JVBERg=="}


def parts(block: dict[str, Any], ledger: Ledger | None = None) -> tuple[Part, ...]:
    """Decode one block that stands at `b`."""
    return decode_part(block, "b", ledger or Ledger(), ALLOWED)


@pytest.mark.parametrize(
    ("block", "expected"),
    [
        ({"type": "text", "text": "hi"}, Text(text="hi", at="b")),
        (
            {"type": "text", "text": "hi", "cache_control": {"type": "ephemeral", "ttl": "5m"}},
            Text(text="hi", cache=CacheMark("5m"), at="b"),
        ),
        (
            {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AA=="}},
            Image(data="AA==", media_type="image/png", at="b"),
        ),
        (
            {"type": "image", "source": {"type": "url", "url": "https://a.example/i.png"}},
            Image(url="https://a.example/i.png", at="b"),
        ),
        ({"type": "image", "source": {"type": "file", "file_id": "file_1"}}, Image(file_id="file_1", at="b")),
        (
            {"type": "document", "source": PDF, "title": "T", "context": "C"},
            Document(data="JVBERg==", media_type="application/pdf", title="T", context="C", at="b"),
        ),
        (
            {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "words"}},
            Document(text="words", at="b"),
        ),
        (
            {"type": "document", "source": {"type": "url", "url": "https://a.example/d.pdf"}},
            Document(url="https://a.example/d.pdf", at="b"),
        ),
        ({"type": "document", "source": {"type": "file", "file_id": "file_2"}}, Document(file_id="file_2", at="b")),
        (
            {
                "type": "search_result",
                "title": "T",
                "source": "https://a.example",
                "content": [{"type": "text", "text": "one"}, {"type": "text", "text": "two"}],
            },
            Text(text="T\nhttps://a.example\none\ntwo", at="b"),
        ),
    ],
)
def test_block_is_one_part(block: dict[str, Any], expected: Part) -> None:
    """Each kind of block, from each kind of source, is the part that the hub has for it; nothing is lost."""
    ledger = Ledger()
    assert parts(block, ledger) == (expected,)
    assert ledger.dropped == ()


def test_document_of_blocks_is_its_parts() -> None:
    """A document that the client already cut into blocks is these blocks, in order."""
    image = {"type": "image", "source": {"type": "url", "url": "https://a.example/i.png"}}
    content = [{"type": "text", "text": "one"}, image]
    assert parts({"type": "document", "source": {"type": "content", "content": content}}) == (
        Text(text="one", at="b.source.content[0]"),
        Image(url="https://a.example/i.png", at="b.source.content[1]"),
    )


def test_document_of_one_string() -> None:
    """The content of such a document may also be a string."""
    source = {"type": "content", "content": "one"}
    assert parts({"type": "document", "source": source}) == (Text(text="one", at="b.source.content"),)


@pytest.mark.parametrize(
    ("block", "report"),
    [
        (
            {
                "type": "image",
                "source": {"type": "url", "url": "u"},
                "transformations": {"oversized_image": "downsize"},
            },
            "b.transformations",
        ),
        ({"type": "document", "source": PDF, "citations": {"enabled": True}}, "b.citations"),
        ({"type": "document", "source": PDF, "pages": "1-3"}, "unknown:b.pages"),
    ],
)
def test_member_without_a_twin_is_reported(block: dict[str, Any], report: str) -> None:
    """What no other shape can say about a block is named in the ledger."""
    ledger = Ledger()
    parts(block, ledger)
    assert ledger.dropped == (report,)


def test_switched_off_citations_are_not_reported() -> None:
    """Citations that were not asked for are not lost."""
    ledger = Ledger()
    parts({"type": "document", "source": PDF, "citations": {"enabled": False}}, ledger)
    assert ledger.dropped == ()


@pytest.mark.parametrize(
    ("block", "param"),
    [
        ({"type": "image"}, "b.source"),
        ({"type": "image", "source": "https://a.example"}, "b.source"),
        ({"type": "image", "source": {}}, "b.source.type"),
        ({"type": "image", "source": {"type": "path"}}, "b.source.type"),
        ({"type": "image", "source": {"type": "url"}}, "b.source.url"),
        ({"type": "image", "source": {"type": "base64", "data": "AA=="}}, "b.source.media_type"),
        ({"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": 3}}, "b.source.data"),
        ({"type": "document", "source": {"type": "text"}}, "b.source.data"),
        ({"type": "document", "source": PDF, "title": 3}, "b.title"),
        ({"type": "document", "source": {"type": "content", "content": [{"type": "document"}]}}, None),
        ({"type": "search_result", "title": "T"}, "b.source"),
        ({"type": "text", "text": "x", "cache_control": True}, "b.cache_control"),
        ({"type": "text", "text": "x", "citations": [3]}, "b.citations[0]"),
        ({"type": 3}, "b.type"),
    ],
)
def test_block_is_refused_by_its_path(block: dict[str, Any], param: str | None) -> None:
    """A block that cannot be read is refused, and the refusal says which member is wrong."""
    with pytest.raises(RequestRefused) as caught:
        parts(block)
    assert caught.value.failure.param == (param or "b.source.content[0].type")
