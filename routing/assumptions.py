"""What translation assumes of the models of a route, as a table for operators."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from routing.models import Target
from routing.table import ANY_MODEL
from translation.capabilities import members_of
from translation.profiles import Profile, profile_for
from translation.quirks import with_quirks


def profiles_of(targets: Sequence[Target]) -> SafeString:
    """Return the profiles of the targets' models side by side, an operator's corrections in bold."""
    said = [(target.capabilities, assumed_of(target)) for target in targets]
    head = format_html_join("", "<th>{}<br>{}</th>", ((target.upstream.name, target.model) for target in targets))
    rows = format_html_join(
        "",
        "<tr><th>{}</th>{}</tr>",
        (
            (name, format_html_join("", '<td class="{}">{}</td>', (_cell(name, *both) for both in said)))
            for name in Profile.__struct_fields__
        ),
    )
    frame = '<div class="routing-profiles"><table><thead><tr><th></th>{}</tr></thead><tbody>{}</tbody></table></div>'
    return format_html(frame, head, rows)


def assumed_of(target: Target) -> dict[str, Any]:
    """Return what is assumed of a target's model, by the names of the profile; of a wildcard's only the corrections."""
    upstream = target.upstream
    if target.model == ANY_MODEL:
        return dict(target.capabilities)
    profile = with_quirks(tuple(upstream.quirks), upstream.prefer, profile_for(target.model))
    return {**members_of(profile), **target.capabilities}


def _cell(name: str, corrections: dict[str, Any], assumed: dict[str, Any]) -> tuple[str, str]:
    marked = "routing-corrected" if name in corrections else ""
    return marked, _plain(assumed[name]) if name in assumed else "as each model"


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return (", ".join(value) or "[]") if isinstance(value, list | tuple) else str(value)
