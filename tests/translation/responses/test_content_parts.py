"""Content parts: text with its marks and sources, images and files in each of their forms."""

from __future__ import annotations

from typing import Any

import pytest

from translation.failures import RequestRefused
from translation.hub import CacheMark, Citation, Document, Image, Part, Text, Wire
from translation.ledger import Ledger
from translation.shapes.responses.content_parts import ASSISTANT_PARTS, USER_PARTS, decode_content, decode_data_url

AT = "input[0].content[0]"


def decoded(part: Wire, ledger: Ledger | None = None) -> Part:
    """Return the one part, of a user message."""
    (found,) = decode_content({"content": [part]}, "content", "input[0]", USER_PARTS, ledger or Ledger())
    return found


def test_text_keeps_its_cache_mark() -> None:
    """A breakpoint of the prompt cache stays with the text, with the lifetime that the client wrote."""
    part = {"type": "input_text", "text": "x", "prompt_cache_breakpoint": {"mode": "explicit", "ttl": "12h"}}
    assert decoded(part) == Text(text="x", cache=CacheMark("12h"), at=AT)


def test_web_sources_of_an_answer_are_kept_and_others_reported() -> None:
    """A URL citation comes back with the words that it stands for; one of a stored file has no twin elsewhere."""
    source = {"type": "url_citation", "url": "http://a", "title": "A", "start_index": 3, "end_index": 6}
    part = {"type": "output_text", "text": "an owl", "annotations": [source, {"type": "file_citation", "file_id": "f"}]}
    ledger = Ledger()
    (text,) = decode_content({"content": [part]}, "content", "input[0]", ASSISTANT_PARTS, ledger)
    assert text == Text(text="an owl", annotations=(Citation("http://a", "A", "owl", 3, 6),), at=AT)
    assert ledger.dropped == (f"{AT}.annotations[1]",)


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        ({"image_url": "https://a/b.png", "detail": "high"}, Image(url="https://a/b.png", detail="high", at=AT)),
        ({"image_url": "HTTPS://a/b.png"}, Image(url="HTTPS://a/b.png", at=AT)),
        ({"image_url": "data:image/png;base64,iVBO"}, Image(data="iVBO", media_type="image/png", at=AT)),
        ({"image_url": "DATA:image/PNG;charset=x;BASE64,iVBO"}, Image(data="iVBO", media_type="image/png", at=AT)),
        ({"file_id": "file_1", "image_url": None}, Image(file_id="file_1", at=AT)),
    ],
)
def test_image_is_a_url_or_data_or_a_file_id(part: Wire, expected: Image) -> None:
    """An image arrives in the one form that it has."""
    assert decoded({"type": "input_image", **part}) == expected


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        (
            {"file_data": "data:application/pdf;base64,JVBE", "filename": "a.pdf"},
            Document(data="JVBE", media_type="application/pdf", title="a.pdf", at=AT),
        ),
        (
            {"file_data": "data:text/plain;base64,aGk=", "filename": "a.txt"},
            Document(text="hi", media_type="text/plain", title="a.txt", at=AT),
        ),
        (
            {"file_data": "data:text/plain;base64,/w=="},
            Document(data="/w==", media_type="text/plain", at=AT),
        ),
        ({"file_data": "data:text/csv,a%2Cb"}, Document(text="a,b", media_type="text/csv", at=AT)),
        ({"file_url": "https://a/b.pdf"}, Document(url="https://a/b.pdf", at=AT)),
        ({"file_id": "file_1"}, Document(file_id="file_1", at=AT)),
    ],
)
def test_file_is_data_or_text_or_a_url_or_a_file_id(part: Wire, expected: Document) -> None:
    """A file arrives in the one form that it has; a text file that can be read is text."""
    assert decoded({"type": "input_file", **part}) == expected


def test_detail_of_a_file_is_reported() -> None:
    """The resolution of a file's pages has no place elsewhere."""
    ledger = Ledger()
    decoded({"type": "input_file", "file_url": "https://a/b.pdf", "detail": "low"}, ledger)
    assert ledger.dropped == (f"{AT}.detail",)


@pytest.mark.parametrize(
    ("part", "param"),
    [
        ({"type": "input_image"}, f"{AT}.image_url"),
        ({"type": "input_image", "image_url": ""}, f"{AT}.image_url"),
        ({"type": "input_image", "image_url": {"url": "https://a"}}, f"{AT}.image_url"),
        ({"type": "input_image", "image_url": "file:///etc/passwd"}, f"{AT}.image_url"),
        ({"type": "input_image", "image_url": "data:image/png;base64"}, f"{AT}.image_url"),
        ({"type": "input_image", "image_url": "https://a", "detail": 1}, f"{AT}.detail"),
        ({"type": "input_file"}, f"{AT}.file_data"),
        ({"type": "input_file", "file_data": "JVBE"}, f"{AT}.file_data"),
        ({"type": "input_file", "file_url": "ftp://a"}, f"{AT}.file_url"),
        ({"type": "input_text"}, f"{AT}.text"),
        ({"type": "input_text", "text": None}, f"{AT}.text"),
        ({"type": "input_text", "text": "x", "prompt_cache_breakpoint": "yes"}, f"{AT}.prompt_cache_breakpoint"),
        ({"type": "output_text", "text": "x", "annotations": {}}, f"{AT}.annotations"),
        ({"type": "output_text", "text": "x", "annotations": [1]}, f"{AT}.annotations[0]"),
        ({"type": "output_text", "text": "x", "annotations": [{"type": "url_citation"}]}, f"{AT}.annotations[0].url"),
        ({"type": 1}, f"{AT}.type"),
    ],
)
def test_malformed_part_is_refused_with_its_path(part: Any, param: str) -> None:
    """A part without its content, or with a member of the wrong type, is named in the refusal."""
    with pytest.raises(RequestRefused) as refused:
        decoded(part)
    assert refused.value.failure.param == param


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("data:image/png;base64,iVBO", ("image/png", "iVBO")),
        ("data:;base64,aGk=", ("text/plain", "aGk=")),
        ("data:,hi", ("text/plain", "aGk=")),
        ("data:text/plain;name=a%20b,hi%20ho", ("text/plain", "aGkgaG8=")),
    ],
)
def test_data_url_gives_type_and_base64(url: str, expected: tuple[str, str]) -> None:
    """Whatever form a data URL has, its content arrives as base64."""
    assert decode_data_url(url, "x") == expected
