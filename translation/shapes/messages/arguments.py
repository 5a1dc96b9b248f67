"""The question whether a call's arguments are complete, answered while they arrive in pieces."""

from __future__ import annotations

import re

_IN_STRING = re.compile(r'["\\]')
_OUTSIDE = re.compile(r'["{}\[\]]')


class ArgumentScanner:
    """Follows the brackets and strings of one JSON object; nothing else of its grammar is checked."""

    def __init__(self) -> None:
        self.complete = False
        self._depth = 0
        self._in_string = False
        self._escaped = False

    def feed(self, text: str) -> None:
        """Read the next piece; `complete` is true from the bracket on that closes the first one."""
        position, self._escaped = int(self._escaped and bool(text)), self._escaped and not text
        while not self.complete:
            found = (_IN_STRING if self._in_string else _OUTSIDE).search(text, position)
            if found is None:
                return
            position = found.end()
            match found[0]:
                case '"':
                    self._in_string = not self._in_string
                case "\\":
                    self._escaped = position == len(text)
                    position += 1
                case "{" | "[":
                    self._depth += 1
                case _:
                    self._depth -= 1
                    self.complete = self._depth <= 0
