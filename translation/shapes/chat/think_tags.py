"""Thoughts that a server leaves in the text, between tags at its beginning: told apart while the text arrives.

Only servers that are known for it are read this way (profile `think_tags`): elsewhere the tags are the model's words.
"""

from __future__ import annotations

from enum import Enum

_OPENING, _CLOSING = "<think>", "</think>"


class _Place(Enum):
    """Where in the text its next character stands."""

    BEFORE = "before"
    WITHIN = "within"
    AFTER = "after"
    WORDS = "words"


class ThinkTags:
    """Splits one text into thoughts and words. `native` is how the thoughts stood in it, with the blanks around them.

    A tag may be cut anywhere, so that what may be the beginning of one is held until more comes.
    """

    def __init__(self) -> None:
        self.native = ""
        self._held = ""
        self._place = _Place.BEFORE

    def feed(self, text: str) -> tuple[str, str]:
        """Return the thoughts and the words that the next piece of the text brings; thoughts always come first."""
        text, self._held = self._held + text, ""
        thought = ""
        if self._place is _Place.BEFORE:
            text = self._opened(text)
        if self._place is _Place.WITHIN:
            thought, text = self._closed(text)
        if self._place is _Place.AFTER:
            words = text.lstrip()
            self.native += text[: len(text) - len(words)]
            self._place, text = (_Place.WORDS if words else _Place.AFTER), words
        return thought, text

    def close(self) -> tuple[str, str]:
        """Return what was held, at the end of the text."""
        held, self._held = self._held, ""
        if self._place is not _Place.WITHIN:
            return "", held
        self.native += held
        return held, ""

    def _opened(self, text: str) -> str:
        bare = text.lstrip()
        if bare.startswith(_OPENING):
            self.native = text[: len(text) - len(bare)] + _OPENING
            self._place = _Place.WITHIN
            return bare[len(_OPENING) :]
        if _OPENING.startswith(bare):
            self._held = text
            return ""
        self._place = _Place.WORDS
        return text

    def _closed(self, text: str) -> tuple[str, str]:
        thought, closing, after = text.partition(_CLOSING)
        if closing:
            self._place = _Place.AFTER
        else:
            kept = _beginning_of_closing(text)
            thought, self._held = text[: len(text) - kept], text[len(text) - kept :]
        self.native += thought + closing
        return thought, after


def _beginning_of_closing(text: str) -> int:
    """Return how many characters at the end of the text may be the beginning of the closing tag."""
    longest = min(len(text), len(_CLOSING) - 1)
    return next((size for size in range(longest, 0, -1) if _CLOSING.startswith(text[-size:])), 0)
