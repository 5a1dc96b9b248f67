"""Admin of the configuration, for the operator on call: what is routed where, what is wrong, and who changed it."""

from __future__ import annotations

import difflib
from typing import Any

from django.contrib import admin, messages
from django.db.models import Count, QuerySet
from django.http import HttpRequest
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from routing.assumptions import profiles_of
from routing.forms import AliasForm, RouteForm, TargetForm, UpstreamForm
from routing.models import Alias, Revision, Route, RouteQuerySet, Target, Upstream
from routing.publishing import PublishingAdmin
from routing.revisions import Unpublishable, restore
from routing.rules import InvalidValue
from routing.table import EVERY_BETA

admin.site.site_header = admin.site.site_title = "Switchyard"
admin.site.index_title = "Contents"
admin.site.site_url = None
admin.site.empty_value_display = "-"

STYLE = {"all": ["routing/admin.css"]}


@admin.register(Upstream)
class UpstreamAdmin(PublishingAdmin):
    """Provider accounts."""

    form = UpstreamForm
    list_display = ["name", "credential_state", "base_url", "speaks", "used_by", "enabled"]
    list_filter = ["enabled", "provider"]
    search_fields = ["name", "provider", "base_url", "reference"]
    readonly_fields = ["credential_state", "in_effect"]
    actions = ["enable", "disable"]
    save_on_top = True
    fieldsets = [
        (None, {"fields": ["name", "enabled", "provider", "base_url"]}),
        ("Credential", {"fields": ["credential_state", "new_access_key", "clear_access_key", "passthrough_auth"]}),
        ("Wire format", {"fields": ["shapes", "prefer", "interface", "quirks"]}),
        ("Requests that pass through", {"fields": ["asks_usage", "betas", "in_effect"]}),
        (
            "Timeouts in seconds",
            {
                "fields": ["connect_timeout", "first_byte_timeout", "idle_timeout", "total_timeout"],
                "classes": ["collapse"],
            },
        ),
        ("Headers", {"fields": ["headers", "http_host"], "classes": ["collapse"]}),
    ]

    class Media:
        """The room's style."""

        css = STYLE

    def get_queryset(self, request: HttpRequest) -> QuerySet[Upstream]:
        """Count the targets along."""
        upstreams: QuerySet[Upstream] = super().get_queryset(request)
        return upstreams.annotate(target_count=Count("targets"))

    def get_fieldsets(self, request: HttpRequest, obj: Upstream | None = None) -> Any:
        """Leave out the fields to write a credential for whoever may only look."""
        fieldsets = super().get_fieldsets(request, obj)
        if self.has_change_permission(request, obj) or (obj is None and self.has_add_permission(request)):
            return fieldsets
        written = {"new_access_key", "clear_access_key"}
        return [
            (title, {**options, "fields": [name for name in options["fields"] if name not in written]})
            for title, options in fieldsets
        ]

    @admin.display(description="shapes")
    def speaks(self, upstream: Upstream) -> SafeString:
        """Show the native shapes, the preferred one in bold."""
        marked = [
            format_html("<strong>{}</strong>" if shape == upstream.prefer else "{}", shape) for shape in upstream.shapes
        ]
        return format_html_join(", ", "{}", ((shape,) for shape in marked))

    @admin.display(description="credential")
    def credential_state(self, upstream: Upstream) -> SafeString | str:
        """Show which credential is used and whether it is there, never the credential."""
        credential = upstream.credential() if upstream.pk else None
        if upstream.passthrough_auth:
            return "the client's own"
        if credential is None:
            return format_html('<span class="routing-quiet">{}</span>', "none")
        if credential.missing:
            shown = upstream.reference or credential.missing
            reason = "is not set" if upstream.reference else "cannot be read with the gateway's keys"
            return format_html('<span class="routing-bad">✘ {} {}</span>', shown, reason)
        shown = upstream.reference or f"stored, fingerprint {credential.fingerprint}"
        return format_html('<span class="routing-good">✔</span> {}', shown)

    @admin.display(description="in effect")
    def in_effect(self, upstream: Upstream) -> str:
        """Show what the two switches come to, with what is known about the provider."""
        if not upstream.pk:
            return "what is known about the provider, as soon as it is saved"
        betas = upstream.known_betas
        taken = "all betas" if betas == EVERY_BETA else f"the betas {', '.join(betas)}" if betas else "no betas"
        asked = "Streams are" if upstream.is_asked_for_usage else "Streams are not"
        return f"{asked} asked for usage; {taken} go on."

    @admin.display(description="targets", ordering="target_count")
    def used_by(self, upstream: Upstream) -> int:
        """Show how many targets are here."""
        return int(getattr(upstream, "target_count", 0))

    @admin.action(description="Enable the selected upstreams", permissions=["change"])
    def enable(self, request: HttpRequest, queryset: QuerySet[Upstream]) -> None:
        """Send requests to the selected upstreams again."""
        _switch(self, request, queryset, enabled=True)

    @admin.action(description="Disable the selected upstreams", permissions=["change"])
    def disable(self, request: HttpRequest, queryset: QuerySet[Upstream]) -> None:
        """Send nothing to the selected upstreams."""
        _switch(self, request, queryset, enabled=False)


class TargetInline(admin.TabularInline):  # type: ignore[type-arg]  # no generic at run time
    """The targets of a route, in the order in which they are tried."""

    model = Target
    form = TargetForm
    extra = 0
    min_num = 1
    verbose_name_plural = "targets, in the order in which they are tried"

    def get_formset(self, request: HttpRequest, obj: Route | None = None, **kwargs: Any) -> Any:
        """Choose an upstream without buttons to edit it: it has a page of its own."""
        formset = super().get_formset(request, obj, **kwargs)
        widget = formset.form.base_fields["upstream"].widget
        widget.can_add_related = widget.can_change_related = False
        widget.can_delete_related = widget.can_view_related = False
        return formset


class AliasInline(admin.TabularInline):  # type: ignore[type-arg]  # no generic at run time
    """Other names of a route."""

    model = Alias
    form = AliasForm
    extra = 0


class ProviderFilter(admin.SimpleListFilter):
    """Routes by the provider of a target."""

    title = "provider"
    parameter_name = "provider"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Return the providers that there are."""
        providers = Upstream.objects.order_by("provider").values_list("provider", flat=True).distinct()
        return [(provider, provider) for provider in providers]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Route]) -> QuerySet[Route]:
        """Return the routes with a target of the chosen provider."""
        return queryset.filter(targets__upstream__provider=self.value()).distinct() if self.value() else queryset


@admin.register(Route)
class RouteAdmin(PublishingAdmin):
    """Public model names."""

    form = RouteForm
    inlines = [TargetInline, AliasInline]
    list_display = ["name", "goes_to", "also_called", "marked_default", "enabled"]
    list_filter = ["enabled", ProviderFilter, ("targets__upstream", admin.RelatedOnlyFieldListFilter)]
    search_fields = ["name", "aliases__name", "targets__model", "targets__upstream__name"]
    fieldsets = [
        (None, {"fields": ["name", "enabled", "is_default", "strict"]}),
        ("What translation assumes of the models", {"fields": ["assumed"], "classes": ["collapse"]}),
    ]
    readonly_fields = ["assumed"]
    actions = ["make_default", "enable", "disable"]
    save_on_top = True

    class Media:
        """The room's style."""

        css = STYLE

    def get_queryset(self, request: HttpRequest) -> RouteQuerySet:
        """Fetch what the list shows along."""
        routes = super().get_queryset(request)
        assert isinstance(routes, RouteQuerySet)  # tells mypy what the model's manager returns
        return routes.with_targets()

    @admin.display(description="goes to")
    def goes_to(self, route: Route) -> SafeString:
        """Show the targets, tier by tier; those that get nothing are struck out."""
        targets = list(route.targets.all())
        if not any(target.enabled and target.upstream.enabled for target in targets):
            return format_html('<span class="routing-bad">✘ {}</span>', "no target is enabled")
        return format_html_join(" ", "{}", ((_shown(target),) for target in targets))

    @admin.display(description="capabilities")
    def assumed(self, route: Route) -> SafeString | str:
        """Show the profile of each target's model side by side, an operator's corrections in bold."""
        if not route.pk:
            return "what is known about them, as soon as it is saved"
        return profiles_of(list(route.targets.all()))

    @admin.display(description="aliases")
    def also_called(self, route: Route) -> str:
        """Show the aliases."""
        return ", ".join(alias.name for alias in route.aliases.all())

    @admin.display(description="default", ordering="is_default")
    def marked_default(self, route: Route) -> SafeString | None:
        """Mark the default, and nothing else."""
        return format_html('<span class="routing-good">{}</span>', "✔") if route.is_default else None

    @admin.action(description="Make this the default", permissions=["change"])
    def make_default(self, request: HttpRequest, queryset: QuerySet[Route]) -> None:
        """Change the default over to the one selected route."""
        routes = list(queryset)
        if len(routes) != 1 or "*" in routes[0].name or not routes[0].enabled:
            messages.error(request, "Select one route that is enabled and no wildcard: that becomes the default.")
            return
        routes[0].make_default()
        self.log_change(request, routes[0], "Made this the default.")

    @admin.action(description="Enable the selected routes", permissions=["change"])
    def enable(self, request: HttpRequest, queryset: QuerySet[Route]) -> None:
        """Serve the selected routes again."""
        _switch(self, request, queryset, enabled=True)

    @admin.action(description="Disable the selected routes", permissions=["change"])
    def disable(self, request: HttpRequest, queryset: QuerySet[Route]) -> None:
        """Answer for the selected routes as if they did not exist."""
        _switch(self, request, queryset, enabled=False)


@admin.register(Revision)
class RevisionAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # no generic at run time
    """What was published when, by whom and why. Nothing here can be edited."""

    list_display = ["number", "time", "author", "reason"]
    list_filter = ["time", "author"]
    search_fields = ["author", "reason", "content"]
    fields = readonly_fields = ("number", "time", "author", "reason", "difference", "whole")
    actions = ["restore"]

    class Media:
        """The room's style."""

        css = STYLE

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Revisions are written by publishing only."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Revisions are never changed."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Revisions are never deleted."""
        return False

    def has_restore_permission(self, request: HttpRequest) -> bool:
        """Return whether the user may change everything that a revision holds."""
        verbs, kinds = ("add", "change", "delete"), ("upstream", "route")
        return request.user.has_perms([f"routing.{verb}_{kind}" for verb in verbs for kind in kinds])

    @admin.display(description="changed since the revision before")
    def difference(self, revision: Revision) -> SafeString:
        """Show the lines that came and went."""
        before = Revision.objects.filter(number__lt=revision.number).first()
        lines = difflib.unified_diff(
            before.content.splitlines() if before else [], revision.content.splitlines(), lineterm="", n=2
        )
        tags = {"+": "<ins>{}</ins>", "-": "<del>{}</del>"}
        shown = [format_html(tags.get(line[:1], "{}"), line) for line in list(lines)[2:]]
        return format_html('<pre class="routing-text">{}</pre>', format_html_join("\n", "{}", ((x,) for x in shown)))

    @admin.display(description="configuration")
    def whole(self, revision: Revision) -> SafeString:
        """Show the configuration as it is exported."""
        return format_html('<pre class="routing-text">{}</pre>', revision.content)

    @admin.action(description="Restore the selected revision", permissions=["restore"])
    def restore(self, request: HttpRequest, queryset: QuerySet[Revision]) -> None:
        """Make the configuration what it was, as a new revision."""
        revisions = list(queryset)
        if len(revisions) != 1:
            messages.error(request, "Select one revision: the configuration becomes what it was then.")
            return
        try:
            published = restore(revisions[0], request.user.get_username())
        except (InvalidValue, Unpublishable) as exc:
            messages.error(request, f"{revisions[0]} cannot be restored: {exc}.")
            return
        done = f"is restored as revision {published.number}" if published else "is what is served already"
        messages.success(request, f"{revisions[0]} {done}.")


def _switch(model_admin: Any, request: HttpRequest, queryset: QuerySet[Any], *, enabled: bool) -> None:
    for row in queryset.exclude(enabled=enabled):
        row.enabled = enabled
        row.save(update_fields=["enabled"])
        model_admin.log_change(request, row, "Enabled." if enabled else "Disabled.")


def _shown(target: Target) -> SafeString:
    used = target.enabled and target.upstream.enabled and target.weight > 0
    share = f" x{target.weight}" if target.weight > 1 else ""
    tier = f" (tier {target.tier})" if target.tier else ""
    frame = "{}&nbsp;→&nbsp;{}{}{}<br>" if used else '<del class="routing-quiet">{}&nbsp;→&nbsp;{}{}{}</del><br>'
    return format_html(frame, target.upstream.name, target.model, share, tier)
