"""Content blocks: which parts of a message become which block, and which marks for the cache they keep."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from tests.translation.messages.upstream.asking import OPUS_4_8, OTHER, USER, lost, sent
from translation.failures import RequestRefused

PNG = "iVBORw0KGgo="


def blocks(*parts: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the blocks that the parts of one message of the user become."""
    told = sent({"input": [{"role": "user", "content": list(parts)}]})["messages"]
    content: list[dict[str, Any]] = told[0]["content"]
    return content


def file(media_type: str, data: bytes = b"a,b", **members: str) -> dict[str, Any]:
    """Return a file that holds its data."""
    url = f"data:{media_type};base64,{base64.b64encode(data).decode()}"
    return {"type": "input_file", "file_data": url, **members}


@pytest.mark.parametrize(
    ("part", "block"),
    [
        ({"type": "input_text", "text": "a"}, {"type": "text", "text": "a"}),
        (
            {"type": "input_image", "image_url": "https://example.com/a"},
            {"type": "image", "source": {"type": "url", "url": "https://example.com/a"}},
        ),
        (
            {"type": "input_image", "image_url": f"data:image/png;base64,{PNG}"},
            {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}},
        ),
        (
            {"type": "input_image", "image_url": f"DATA:image/JPG;base64,{PNG}"},
            {"type": "image", "source": {"type": "base64", "media_type": "image/jpeg", "data": PNG}},
        ),
        (
            file("application/pdf", b"%PDF", filename="a.pdf"),
            {
                "type": "document",
                "source": {"type": "base64", "media_type": "application/pdf", "data": "JVBERg=="},
                "title": "a.pdf",
            },
        ),
        (
            file("text/csv", filename="a.csv"),
            {
                "type": "document",
                "source": {"type": "text", "media_type": "text/plain", "data": "a,b"},
                "title": "a.csv",
            },
        ),
        (
            file("application/json", b"{}"),
            {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "{}"}},
        ),
        (
            {"type": "input_file", "file_url": "https://example.com/a.pdf"},
            {"type": "document", "source": {"type": "url", "url": "https://example.com/a.pdf"}},
        ),
    ],
)
def test_part_becomes_its_block(part: dict[str, Any], block: dict[str, Any]) -> None:
    """Text, images and documents have blocks of their own; text files are documents of plain text."""
    assert blocks(part) == [block]


@pytest.mark.parametrize(
    ("part", "message"),
    [
        ({"type": "input_image", "image_url": f"data:image/bmp;base64,{PNG}"}, "cannot read 'image/bmp'"),
        ({"type": "input_image", "file_id": "file-1"}, "image by file id"),
        ({"type": "input_file", "file_id": "file-1"}, "A file id cannot be sent"),
        (file("application/zip"), "cannot read 'application/zip'"),
        (file("application/xml", b"\xff\xfe"), "is not text in UTF-8"),
    ],
)
def test_part_without_a_block_is_refused(part: dict[str, Any], message: str) -> None:
    """What the provider cannot read is refused, by the path of the part."""
    with pytest.raises(RequestRefused, match=message) as caught:
        blocks(part)
    assert caught.value.failure.param == "input[0].content[0]"


def test_blank_texts_are_left_out() -> None:
    """A text without a visible character is no block; what stands around it keeps its order."""
    parts = [{"type": "input_text", "text": text} for text in ("a", "", " \n", "b")]
    assert [block["text"] for block in blocks(*parts)] == ["a", "b"]


@pytest.mark.parametrize(("detail", "dropped"), [("low", ("input[0].content[0].detail",)), ("auto", ())])
def test_detail_of_an_image_is_reported(detail: str, dropped: tuple[str, ...]) -> None:
    """How closely to look has no twin; only a wish for something is worth a report."""
    part = {"type": "input_image", "image_url": "https://example.com/a", "detail": detail}
    assert lost({"input": [{"role": "user", "content": [part]}]}) == (dropped, ())


def marked(text: str, **mark: str) -> dict[str, Any]:
    """Return a text with a mark for the cache."""
    return {"type": "input_text", "text": text, "prompt_cache_breakpoint": {"mode": "explicit", **mark}}


@pytest.mark.parametrize(
    ("mark", "cache_control"),
    [
        ({}, {"type": "ephemeral"}),
        ({"ttl": "30m"}, {"type": "ephemeral"}),
        ({"ttl": "12h"}, {"type": "ephemeral", "ttl": "1h"}),
    ],
)
def test_cache_mark_becomes_cache_control(mark: dict[str, str], cache_control: dict[str, str]) -> None:
    """A mark stays on its part; a long lifetime is this wire's long one, any other the usual."""
    assert blocks(marked("a", **mark)) == [{"type": "text", "text": "a", "cache_control": cache_control}]


def test_four_marks_are_kept() -> None:
    """The last four marks are kept, the others reported; a blank text has none, and no long one follows a short one."""
    parts = [marked("a"), marked("b", ttl="12h"), marked(" "), marked("c"), marked("d", ttl="12h"), marked("e")]
    wire = {"input": [{"role": "user", "content": parts}]}
    told = sent(wire)["messages"][0]["content"]
    assert [(block["text"], block.get("cache_control", {}).get("ttl", "")) for block in told] == [
        ("a", ""),
        ("b", "1h"),
        ("c", ""),
        ("d", ""),
        ("e", ""),
    ]
    assert ["cache_control" in block for block in told] == [False, True, True, True, True]
    assert lost(wire) == (("input[0].content[0].prompt_cache_breakpoint",), ())


@pytest.mark.parametrize(
    ("model", "items", "fields", "expected"),
    [
        (OPUS_4_8, [USER], {}, False),
        (OPUS_4_8, [USER], {"tools": [{"type": "function", "name": "add"}]}, True),
        (OPUS_4_8, [USER, {"role": "assistant", "content": "a"}, USER], {}, True),
        (
            OPUS_4_8,
            [{"role": "user", "content": [marked("a")]}, {"role": "assistant", "content": "b"}, USER],
            {},
            False,
        ),
        (OTHER, [USER, {"role": "assistant", "content": "a"}, USER], {}, False),
    ],
)
def test_request_without_marks_is_cached_as_a_whole(
    model: str, items: list[Any], fields: dict[str, Any], expected: bool
) -> None:
    """With tools or several turns, one mark at the top caches the longest beginning, unless the client has its own."""
    body = sent({"input": items, **fields}, model)
    assert body.get("cache_control") == ({"type": "ephemeral"} if expected else None)
