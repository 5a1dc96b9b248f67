"""The one place where admin publishes: every POST to a form, a deletion or a list is a transaction that ends here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.models import ADDITION, DELETION, LogEntry
from django.db import transaction
from django.http import HttpRequest, HttpResponseRedirect
from django.http.response import HttpResponseBase

from routing.revisions import Unpublishable, publish

_VERBS = {ADDITION: "Added", DELETION: "Deleted"}


class PublishingAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # no generic at run time
    """Admin of rows that belong to the configuration: whatever a request changes becomes one revision, or nothing."""

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:
        """Add or change a row along with its inlines."""
        return _published(request, super().changeform_view, object_id, form_url, extra_context)

    def delete_view(self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None) -> Any:
        """Delete a row."""
        return _published(request, super().delete_view, object_id, extra_context)

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        """Show the list; run an action, which may be the deletion of many rows."""
        return _published(request, super().changelist_view, extra_context)


def _published(request: HttpRequest, view: Callable[..., HttpResponseBase], *arguments: Any) -> HttpResponseBase:
    if request.method != "POST":
        return view(request, *arguments)
    newest = LogEntry.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    try:
        with transaction.atomic():
            response = view(request, *arguments)
            revision = publish(request.user.get_username(), _reason(request, newest))
    except Unpublishable as exc:
        list(messages.get_messages(request))  # takes back the messages of what has not happened after all
        messages.error(request, f"Nothing was saved: {exc}.")
        return HttpResponseRedirect(request.get_full_path())
    if revision is not None:
        messages.info(request, f"{revision} is published; every worker serves it within two seconds.")
    return response


def _reason(request: HttpRequest, newest: int) -> str:
    """Return what the admin log says about this request."""
    entries = LogEntry.objects.filter(pk__gt=newest, user_id=request.user.pk or 0).order_by("pk")
    return " ".join(_sentence(entry) for entry in entries.select_related("content_type")) or "Changed in admin"


def _sentence(entry: LogEntry) -> str:
    row = f"{entry.content_type.name if entry.content_type else 'row'} {entry.object_repr}"
    verb = _VERBS.get(entry.action_flag)
    return f"{verb} {row}." if verb else f"{row[:1].upper()}{row[1:]}: {entry.get_change_message()}"
