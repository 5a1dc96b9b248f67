"""URLs as OpenAI's shapes carry content in: data URLs, which hold it, and web addresses, which point to it."""

from __future__ import annotations

import base64
import binascii
from urllib.parse import unquote_to_bytes

from translation.failures import RequestRefused


def is_data_url(url: str) -> bool:
    """Tell a URL that holds its content from one that points to it."""
    return url[:5].lower() == "data:"


def decode_data_url(url: str, at: str) -> tuple[str, str]:
    """Return the media type and the base64 of a data URL (RFC 2397); percent-encoded content is encoded anew."""
    head, comma, body = url.partition(",")
    if not is_data_url(url) or not comma:
        raise _invalid(at, "a data URL (data:<type>;base64,<data>)")
    media_type, *parameters = head[5:].split(";")
    if "base64" not in (parameter.strip().lower() for parameter in parameters):
        body = base64.b64encode(unquote_to_bytes(body)).decode()
    return media_type.strip().lower() or "text/plain", body


def decode_text(media_type: str, data: str) -> str | None:
    """Return the text of a text file in base64, which every upstream takes as text; None for any other file."""
    if not media_type.startswith("text/"):
        return None
    try:
        return base64.b64decode(data, validate=True).decode()
    except (binascii.Error, UnicodeError, ValueError):
        return None


def web_url(url: str, at: str) -> str:
    """Return the URL if it is a web address; raises RequestRefused for any other."""
    if url[:8].lower().startswith(("http://", "https://")):
        return url
    raise _invalid(at, "a URL that starts with http://, https:// or data:")


def _invalid(at: str, expected: str) -> RequestRefused:
    return RequestRefused(f"Invalid value for '{at}': expected {expected}.", param=at, code="invalid_value")
