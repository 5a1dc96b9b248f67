"""Admin of stored responses: to find one, to read its conversation, and to delete. Nothing here is edited."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.template.defaultfilters import filesizeformat
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from conversations import database
from conversations.items import history_of
from conversations.models import Response
from conversations.reading import lines_of
from conversations.stored import ITEM

LONG_COLUMNS = ("items", "output", "response", "pieces")
EVER = -1.0
MOST_LINES = 500
_SHOWN = (
    "response_id",
    "project",
    "model",
    "upstream",
    "status",
    "made",
    "until",
    "takes",
    "goes_on_from",
    "conversation",
)


@admin.register(Response)
class ResponseAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # no generic at run time
    """Stored responses."""

    list_display = ["response_id", "made", "project", "model", "upstream", "status", "takes"]
    list_filter = ["status", "project"]
    search_fields = ["response_id", "project", "model"]
    show_full_result_count = False
    list_per_page = 50
    actions = ["delete_conversations"]
    fields = _SHOWN
    readonly_fields = _SHOWN

    def get_queryset(self, request: HttpRequest) -> QuerySet[Response]:
        """Leave the long columns in the database, and what is no response."""
        return super().get_queryset(request).exclude(status=ITEM).defer(*LONG_COLUMNS)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Only clients make responses."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """What was said, was said."""
        return False

    @admin.display(description="created", ordering="created")
    def made(self, response: Response) -> str:
        """Show when it was created."""
        return _shown_time(response.created)

    @admin.display(description="expires", ordering="expires")
    def until(self, response: Response) -> str:
        """Show when it expires."""
        return _shown_time(response.expires)

    @admin.display(description="size", ordering="size")
    def takes(self, response: Response) -> str:
        """Show what it takes."""
        return filesizeformat(response.size)

    @admin.display(description="previous response")
    def goes_on_from(self, response: Response) -> str:
        """Show the response before this one, as a link while it is there."""
        before = Response.objects.filter(project=response.project, response_id=response.previous).only("pk").first()
        if before is None:
            return response.previous or "-"
        address = reverse("admin:conversations_response_change", args=[before.pk])
        return format_html('<a href="{}">{}</a>', address, response.previous)

    @admin.display(description="conversation")
    def conversation(self, response: Response) -> SafeString:
        """Show everything that was said up to and in this response."""
        chain = database.chain(response.project, response.response_id, EVER)
        if not chain:
            return format_html("<em>{}</em>", "A response before this one was deleted.")
        if response.status == "remembered":
            return format_html("<em>{}</em>", "The upstream keeps what was said.")
        lines = lines_of(history_of(chain))
        rows = format_html_join(
            "",
            "<dt><strong>{}</strong></dt><dd style='white-space: pre-wrap'>{}</dd>",
            ((line.who, line.words) for line in lines[-MOST_LINES:]),
        )
        return format_html("<dl>{}</dl>", rows)

    @admin.action(description="Delete the whole conversations of the selected responses", permissions=["delete"])
    def delete_conversations(self, request: HttpRequest, queryset: QuerySet[Response]) -> None:
        """Delete what is selected, what led to it, and what followed from it."""
        conversations = sorted(set(queryset.order_by().values_list("project", "root")))
        deleted = sum(database.delete_conversation(project, root) for project, root in conversations)
        messages.success(request, f"{deleted} responses of {len(conversations)} conversations deleted.")


def _shown_time(seconds: float) -> str:
    return format_html("{}&nbsp;{}&nbsp;UTC", *f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M}".split())
