"""Admin of projects and keys: who has which key, which of them still open the door, and the revoking of one."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html

from keys.models import ApiKey, ApiKeyQuerySet, Project, ProjectQuerySet, State


class StateFilter(admin.SimpleListFilter):
    """Keys by what they are worth now."""

    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Return the states that there are."""
        return list(State.choices)

    def queryset(self, request: HttpRequest, queryset: QuerySet[ApiKey]) -> QuerySet[ApiKey]:
        """Return the keys in the chosen state."""
        chosen = self.value()
        if chosen not in State.values:
            return queryset
        assert isinstance(queryset, ApiKeyQuerySet)  # tells mypy what the model's manager returns
        return queryset.in_state(chosen, timezone.now())


@admin.register(Project)
class ProjectAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # no generic at run time
    """Tenants."""

    list_display = ["name", "valid_keys", "created"]
    list_filter = ["created"]
    search_fields = ["name"]
    fields = ["name", "created"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Project]:
        """Count the valid keys along."""
        projects = super().get_queryset(request)
        assert isinstance(projects, ProjectQuerySet)  # tells mypy what the model's manager returns
        return projects.with_valid_key_count(timezone.now())

    def get_readonly_fields(self, request: HttpRequest, obj: Project | None = None) -> list[str]:
        """Fix the name of a project that exists: what is stored for it names it."""
        return ["created"] if obj is None else ["name", "created"]

    @admin.display(description="valid keys", ordering="valid_key_count")
    def valid_keys(self, project: Project) -> int:
        """Show how many keys open the door."""
        return int(getattr(project, "valid_key_count", 0))


@admin.register(ApiKey)
class ApiKeyAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # no generic at run time
    """Keys, without their texts."""

    list_display = ["name", "project", "begins_with", "worth", "created", "expires", "revoked_at"]
    list_filter = [StateFilter, ("project", admin.RelatedOnlyFieldListFilter)]
    list_select_related = ["project"]
    search_fields = ["name", "prefix", "project__name"]
    actions = ["revoke"]

    def get_fields(self, request: HttpRequest, obj: ApiKey | None = None) -> Any:
        """Ask a new key for what an operator decides, and show the rest of one that exists."""
        decided = ["project", "name", "expires"]
        return decided if obj is None else [*decided, "begins_with", "created", "worth", "revoked_at"]

    def get_readonly_fields(self, request: HttpRequest, obj: ApiKey | None = None) -> list[str]:
        """Fix the project of a key that exists: the client would find itself among another tenant's data."""
        shown = ["begins_with", "created", "worth", "revoked_at"]
        return shown if obj is None else ["project", *shown]

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Keys are revoked, never deleted."""
        return False

    def save_model(self, request: HttpRequest, obj: ApiKey, form: Any, change: bool) -> None:
        """Save a key; show the text of a new one, this once."""
        text = None if change else obj.issue()
        super().save_model(request, obj, form, change)
        if text is not None:
            # The first message fits the browser's cookie. What does not goes to the session, which is in the database.
            list(messages.get_messages(request))
            shown = "The key is created. Copy it now, it is not shown again: <code>{}</code>"
            messages.success(request, format_html(shown, text))

    @admin.display(description="begins with", ordering="prefix")
    def begins_with(self, key: ApiKey) -> str:
        """Show the beginning of the text."""
        return f"{key.prefix}…"

    @admin.display(description="state")
    def worth(self, key: ApiKey) -> str:
        """Show what the key is worth now."""
        return key.state.label.lower()

    @admin.action(description="Revoke the selected API keys, for good", permissions=["change"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[ApiKey]) -> None:
        """Refuse the selected keys from now on."""
        keys = list(queryset.filter(revoked_at=None))
        for key in keys:
            key.revoke()
            self.log_change(request, key, "Revoked.")
        count = f"{len(keys)} key{'' if len(keys) == 1 else 's'}"
        messages.success(request, f"{count} revoked; every worker refuses what was revoked within two seconds.")
