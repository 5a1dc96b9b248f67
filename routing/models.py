"""The rows that operators edit: upstreams, routes with their targets and aliases, and the published revisions.

Whoever changes rows calls `routing.revisions.publish` in the same transaction; admin and the commands do.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Prefetch, Q

from routing import credentials, presets, rules
from routing.export import check_prices
from routing.presets import PRESETS, preset_for
from routing.table import Credential, Timeouts, is_wildcard

NAME_LENGTH = rules.MAX_NAME_CHARACTERS
USUAL = Timeouts()


class Upstream(models.Model):
    """A provider account at a base URL."""

    name = models.CharField(max_length=NAME_LENGTH, unique=True)
    provider = models.CharField(max_length=NAME_LENGTH)
    interface = models.CharField("speaks like", max_length=NAME_LENGTH, blank=True)
    base_url = models.CharField("base URL", max_length=rules.MAX_URL_CHARACTERS, blank=True)
    shapes = models.JSONField(default=list, blank=True)
    prefer = models.CharField("preferred shape", max_length=20, blank=True)
    reference = models.CharField(max_length=500, blank=True, editable=False)
    secret = models.TextField(blank=True, editable=False)
    fingerprint = models.CharField(max_length=16, blank=True, editable=False)
    passthrough_auth = models.BooleanField("pass the client's credential on", default=False)
    headers = models.JSONField(default=dict, blank=True)
    http_host = models.CharField("Host header", max_length=255, blank=True)
    quirks = models.JSONField(default=list, blank=True)
    asks_usage = models.BooleanField("ask for usage", null=True, blank=True)
    betas = models.JSONField(null=True, blank=True)
    connect_timeout = models.FloatField("connect", default=USUAL.connect)
    first_byte_timeout = models.FloatField("first byte", default=USUAL.first_byte)
    idle_timeout = models.FloatField("idle", default=USUAL.idle)
    total_timeout = models.FloatField("total", default=USUAL.total)
    enabled = models.BooleanField(default=True)

    class Meta:
        """By name."""

        ordering = ["name"]

    def __str__(self) -> str:
        """Return the name."""
        return self.name

    @property
    def timeouts(self) -> Timeouts:
        """The four timeouts as a value."""
        return Timeouts(self.connect_timeout, self.first_byte_timeout, self.idle_timeout, self.total_timeout)

    @property
    def is_asked_for_usage(self) -> bool:
        """Whether streams are asked for their usage where the client did not: as the operator says, or as is known."""
        known = presets.asks_usage(self.provider, self.base_url, self.quirks)
        return known if self.asks_usage is None else self.asks_usage

    @property
    def known_betas(self) -> tuple[str, ...]:
        """The values of `anthropic-beta` that go on: as the operator says, or as is known about the provider."""
        return presets.betas(self.provider) if self.betas is None else tuple(self.betas)

    @property
    def access_key(self) -> str:
        """The credential as it may be shown and exported: the reference, or the fingerprint of the stored secret."""
        return self.reference or (credentials.FINGERPRINT_PREFIX + self.fingerprint if self.secret else "")

    def credential(self) -> Credential | None:
        """Return the credential, resolved; None if this upstream has none."""
        if self.reference:
            return credentials.resolve_reference(self.reference)
        if not self.secret:
            return None
        value = credentials.decrypt(self.secret)
        return Credential(value, None if value else f"the stored secret of {self.name}", self.fingerprint)

    def set_access_key(self, text: str) -> None:
        """Take an access key as an operator writes it: a reference, a secret to encrypt, or "" for none."""
        self.reference, self.secret, self.fingerprint = "", "", ""
        if credentials.is_reference(text):
            self.reference = text
        elif text:
            self.secret, self.fingerprint = credentials.encrypt(text), credentials.fingerprint(text)

    def clean(self) -> None:
        """Fill what the provider's preset knows, and check every field."""
        errors = _Errors()
        errors.check("name", rules.check_plain_name, self.name, "upstream")
        errors.check("provider", rules.check_provider, self.provider)
        self._fill_from_preset()
        if not self.base_url:
            errors.add("base_url", f"the address of {self.provider!r} is not known: write it here")
        else:
            errors.check("base_url", rules.check_base_url, self.base_url)
        if self.interface and self.interface not in PRESETS:
            errors.add("interface", f"{self.interface!r} is not known: choose from {', '.join(sorted(PRESETS))}")
        errors.check("prefer" if self.shapes else "shapes", rules.check_shapes, self.shapes, self.prefer)
        errors.check("quirks", rules.check_quirks, self.quirks)
        errors.check("asks_usage", rules.check_asks_usage, self.asks_usage, self.quirks)
        errors.check("betas", rules.check_betas, self.betas)
        errors.check("headers", rules.check_headers, self.headers)
        if self.http_host:
            errors.check("http_host", rules.check_http_host, self.http_host)
        for name in rules.TIMEOUT_NAMES:
            errors.check(f"{name}_timeout", rules.check_timeout, name, getattr(self, f"{name}_timeout"))
        errors.raise_any()

    def _fill_from_preset(self) -> None:
        self.interface = "" if self.interface == self.provider else self.interface
        preset = preset_for(self.provider, self.interface)
        self.base_url = self.base_url.rstrip("/") or preset.base_url or ""
        self.shapes = self.shapes or list(preset.shapes)
        self.prefer = self.prefer or (preset.prefer if preset.prefer in self.shapes else self.shapes[0])
        self.quirks = sorted(set(self.quirks or (preset.quirks if self.pk is None else ())))
        self.betas = None if self.betas is None else sorted(self.betas)
        self.headers = self.headers or {}


class RouteQuerySet(models.QuerySet["Route"]):
    """Many routes."""

    def with_targets(self) -> RouteQuerySet:
        """Fetch targets, their upstreams and the aliases along, in the order in which they are shown."""
        targets = Target.objects.select_related("upstream")
        return self.prefetch_related(Prefetch("targets", queryset=targets), "aliases")


class Route(models.Model):
    """A public model name that clients ask for."""

    name = models.CharField(max_length=NAME_LENGTH, unique=True)
    enabled = models.BooleanField(default=True)
    is_default = models.BooleanField("default", default=False)
    strict = models.BooleanField(default=False)
    created = models.DateTimeField(auto_now_add=True)

    objects = RouteQuerySet.as_manager()

    class Meta:
        """By name; one default."""

        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(
                fields=["is_default"],
                condition=Q(is_default=True),
                name="one_default_route",
                violation_error_message="Another route is the default.",
            )
        ]

    def __str__(self) -> str:
        """Return the name."""
        return self.name

    def clean(self) -> None:
        """Check the name, that no alias has it, and that there is one default."""
        errors = _Errors()
        errors.check("name", rules.check_route_name, self.name)
        alias = Alias.objects.filter(name=self.name).select_related("route").first()
        if alias is not None:
            errors.add("name", f"{self.name!r} is an alias of {alias.route}: remove the alias or choose another name")
        if self.is_default and is_wildcard(self.name):
            errors.add("is_default", "a wildcard names no model: choose a route with a plain name as the default")
        other = Route.objects.filter(is_default=True).exclude(pk=self.pk).first()
        if self.is_default and other is not None:
            errors.add(
                "is_default",
                f"{other} is the default: use the action 'Make this the default' in the list of routes to change over",
            )
        errors.raise_any()

    def validate_constraints(self, exclude: Any = None) -> None:
        """Leave the single default to `clean`, which says what to do about it."""
        super().validate_constraints(exclude={*(exclude or ()), "is_default"})

    def make_default(self) -> None:
        """Make this the default route instead of the one that was."""
        Route.objects.filter(is_default=True).exclude(pk=self.pk).update(is_default=False)
        self.is_default = True
        self.save(update_fields=["is_default"])


class Target(models.Model):
    """One upstream of a route, and the model's name there."""

    route = models.ForeignKey(Route, models.CASCADE, related_name="targets")
    upstream = models.ForeignKey(Upstream, models.PROTECT, related_name="targets")
    model = models.CharField("model there", max_length=NAME_LENGTH, blank=True)
    tier = models.PositiveIntegerField(default=0)
    weight = models.PositiveIntegerField(default=1)
    enabled = models.BooleanField(default=True)
    prices = models.JSONField(null=True, blank=True)
    capabilities = models.JSONField(default=dict, blank=True)

    class Meta:
        """In the order in which they are tried."""

        ordering = ["tier", "upstream__name", "model"]
        constraints = [
            models.UniqueConstraint(
                fields=["route", "upstream", "model"],
                name="target_once_a_route",
                violation_error_message="This upstream serves the model for this route already.",
            )
        ]

    def __str__(self) -> str:
        """Return the upstream and the model there."""
        return f"{self.upstream} {self.model}"

    def clean(self) -> None:
        """Fill in the model and check every field."""
        errors = _Errors()
        self.model = self.model or ("*" if is_wildcard(self.route.name) else self.route.name)
        if "*" not in self.route.name or is_wildcard(self.route.name):
            errors.check("model", rules.check_target_model, self.model, self.route.name)
        errors.check("tier", rules.check_whole_number, "the tier", self.tier, rules.MAX_TIER)
        errors.check("weight", rules.check_whole_number, "the weight", self.weight, rules.MAX_WEIGHT)
        if self.prices is not None:
            errors.check("prices", check_prices, self.prices)
        errors.check("capabilities", rules.check_capabilities, self.capabilities)
        errors.raise_any()


class Alias(models.Model):
    """Another name for a route."""

    name = models.CharField(max_length=NAME_LENGTH, unique=True)
    route = models.ForeignKey(Route, models.CASCADE, related_name="aliases")
    provider = models.CharField("only of provider", max_length=NAME_LENGTH, blank=True)
    model = models.CharField(max_length=NAME_LENGTH, blank=True)
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        """By name."""

        ordering = ["name"]
        verbose_name_plural = "aliases"

    def __str__(self) -> str:
        """Return the name."""
        return self.name

    def clean(self) -> None:
        """Check that the alias has a name of its own, and says which model of a wildcard it means."""
        errors = _Errors()
        errors.check("name", rules.check_plain_name, self.name, "alias")
        if self.name == self.route.name or Route.objects.filter(name=self.name).exclude(pk=self.route_id).exists():
            errors.add("name", f"{self.name!r} is a route: an alias needs a name of its own")
        provider, _, rest = self.name.partition("/")
        if rest and Target.objects.filter(route__name=rest, upstream__provider=provider).exists():
            errors.add("name", f"{self.name!r} is the full name of the route {rest!r}: choose another name")
        if is_wildcard(self.route.name):
            errors.check("model", rules.check_plain_name, self.model, "model")
            if self.provider:
                errors.add("provider", "a wildcard's targets have one provider: leave this blank")
        elif self.model:
            errors.add("model", "only an alias of a wildcard route names a model: leave this blank")
        errors.raise_any()


class Revision(models.Model):
    """One published state of the configuration. Written by `routing.revisions.publish` and never changed."""

    number = models.PositiveIntegerField(unique=True, editable=False)
    author = models.CharField(max_length=200, editable=False)
    time = models.DateTimeField(auto_now_add=True)
    reason = models.CharField(max_length=500, editable=False)
    content = models.TextField("configuration", editable=False)

    class Meta:
        """Newest first."""

        ordering = ["-number"]
        get_latest_by = "number"

    def __str__(self) -> str:
        """Return the number."""
        return f"Revision {self.number}"


class _Errors:
    """Gathers what is wrong with each field, to report all of it at once."""

    def __init__(self) -> None:
        self._found: dict[str, list[str]] = {}

    def add(self, field: str, message: str) -> None:
        """Note one thing that is wrong."""
        self._found.setdefault(field, []).append(f"{message[:1].upper()}{message[1:]}.")

    def check(self, field: str, rule: Callable[..., None], *values: Any) -> None:
        """Apply a rule; note its message if the value breaks it."""
        try:
            rule(*values)
        except rules.InvalidValue as exc:
            self.add(field, str(exc))

    def raise_any(self) -> None:
        """Raise what was noted."""
        if self._found:
            raise ValidationError(self._found)
