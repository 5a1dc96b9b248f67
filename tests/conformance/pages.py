"""The pages of docs/ that are written from the tests of this folder: they say what is proven, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from tests.conformance import losses_of_chat, losses_of_messages, losses_of_responses
from tests.conformance.losses import Lost, Row

DOCS = Path(__file__).parents[2] / "docs"
WRITTEN_BY = "`pytest tests/conformance --write-pages`"

_STATEMENTS = f"""# Conformance

What the gateway promises on the wire, statement by statement. Each line is one test in `tests/conformance`, whose
docstring is the statement; this page is written by {WRITTEN_BY}.

| number | statement | result |
| --- | --- | --- |
"""
_LOSSES = f"""# Losses

What a client of one shape may say that an upstream of another has no place for. Nothing of it is lost in silence: what
is dropped stands in [`x-gateway-dropped`](headers.md#x-gateway-dropped), what is changed in
[`x-gateway-coerced`](headers.md#x-gateway-coerced), both in the log, and strict mode refuses the request instead. Much
depends on the model; the lines name it where they mean a particular one. What has its place everywhere is not listed,
and what would change the sense of the request is refused always.

Each line is a test in `tests/conformance`; this page is written by {WRITTEN_BY}.
"""
_CLIENTS: Mapping[str, tuple[str, tuple[Row, ...]]] = {
    "chat": ("Chat Completions", losses_of_chat.ROWS),
    "messages": ("Messages", losses_of_messages.ROWS),
    "responses": ("Responses", losses_of_responses.ROWS),
}


def statements_page(statements: Mapping[int, str], failed: set[int]) -> str:
    """Return docs/conformance.md for these statements."""
    rows = (
        f"| {number} | {_cell(words)} | {'**fails**' if number in failed else 'pass'} |\n"
        for number, words in sorted(statements.items())
    )
    return _STATEMENTS + "".join(rows)


def losses_page() -> str:
    """Return docs/losses.md."""
    return _LOSSES + "".join(_client(client, *table) for client, table in _CLIENTS.items())


def _client(client: str, title: str, rows: tuple[Row, ...]) -> str:
    others = [other for other in _CLIENTS if other != client]
    head = f"\n## {title} clients\n\n| said | " + " | ".join(f"to {_CLIENTS[other][0]}" for other in others)
    lines = [f"{head} |\n| --- | --- | --- |\n"]
    for row in rows:
        if any(row.told.values()) and any(map(any, row.told.values())):
            cells = (_fate(row.told.get(other), row.models.get(other)) for other in others)
            lines.append(f"| {_cell(row.name)} | " + " | ".join(cells) + " |\n")
    return "".join(lines)


def _fate(lost: Lost | None, model: str | None) -> str:
    if lost is None:
        return ""
    fates = [f"drops `{_cell(path)}`" for path in lost.dropped] + [f"changes `{_cell(path)}`" for path in lost.coerced]
    fate = ", ".join(fates) or "carries it over"
    return f"{model}: {fate}" if model else fate


def _cell(words: str) -> str:
    return words.replace("|", "\\|")
