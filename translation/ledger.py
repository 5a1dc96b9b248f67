"""The ledger of a translation: what was dropped and what was changed, by path, so that no loss is silent.

One ledger goes along with one request's translation, and one with its reply's; it is the only thing that a translating
function writes to. What is said of a reply begins with `reply:`.
"""

from __future__ import annotations


class Ledger:
    """Collects paths, each once, in order of first mention."""

    def __init__(self) -> None:
        self._dropped: dict[str, None] = {}
        self._coerced: dict[str, None] = {}

    def copy(self) -> Ledger:
        """Return another ledger that begins with what this one says."""
        other = Ledger()
        other._dropped, other._coerced = dict(self._dropped), dict(self._coerced)
        return other

    def drop(self, path: str) -> None:
        """Note that the field at `path` does not reach the upstream."""
        self._dropped[path] = None

    def coerce(self, path: str, old: object = None, new: object = None) -> None:
        """Note that the field at `path` reaches the upstream changed; only numbers and short words are quoted."""
        self._coerced[path if old is None else f"{path}={old}>{new}"] = None

    @property
    def dropped(self) -> tuple[str, ...]:
        """The paths that were dropped."""
        return tuple(self._dropped)

    @property
    def coerced(self) -> tuple[str, ...]:
        """The paths that were changed, with `=old>new` where that is a number or a word."""
        return tuple(self._coerced)
