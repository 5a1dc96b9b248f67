"""The forms of admin: what an operator may type, in plain words. The models and the rules decide what is right."""

from __future__ import annotations

import json
from typing import Any, ClassVar

from django import forms
from django.core.exceptions import ValidationError
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from routing import credentials
from routing.models import Alias, Route, Target, Upstream
from routing.presets import PRESETS, preset_for
from routing.rules import SHAPE_NAMES, InvalidValue, endpoint_of
from translation.quirks import QUIRKS

SHAPE_LABELS = {"chat": "OpenAI Chat Completions", "messages": "Anthropic Messages", "responses": "OpenAI Responses"}


def shape_choices() -> list[tuple[str, str]]:
    """Return the shapes, each with the name that its vendor gives it."""
    return [(name, f"{name} ({SHAPE_LABELS[name]})" if name in SHAPE_LABELS else name) for name in SHAPE_NAMES]


def quirk_choices() -> list[tuple[str, SafeString]]:
    """Return the quirks, each with what it does and where it was seen."""
    line = '<span class="routing-choice"><code>{}</code> {}<br><span class="routing-quiet">Seen: {}</span></span>'
    return [(quirk.name, format_html(line, quirk.name, quirk.help, quirk.evidence)) for quirk in QUIRKS.values()]


class SuggestingInput(forms.TextInput):
    """A text field that suggests the known providers and takes any other."""

    def render(self, name: str, value: Any, attrs: dict[str, Any] | None = None, renderer: Any = None) -> SafeString:
        """Return the field with its list of suggestions."""
        field = super().render(name, value, {**(attrs or {}), "list": f"{name}_known"}, renderer)
        options = format_html_join("", '<option value="{}">', ((provider,) for provider in PRESETS))
        return format_html('{}<datalist id="{}_known">{}</datalist>', field, name, options)


class HeadersField(forms.CharField):
    """A mapping of headers, written as one `Name: value` a line."""

    widget = forms.Textarea(attrs={"placeholder": "X-Team: search"})

    def prepare_value(self, value: Any) -> Any:
        """Return the lines of a mapping; what was typed stays as it was typed."""
        return "\n".join(f"{name}: {text}" for name, text in value.items()) if isinstance(value, dict) else value

    def to_python(self, value: Any) -> Any:
        """Return the mapping of the lines."""
        headers: dict[str, str] = {}
        for line in (super().to_python(value) or "").splitlines():
            name, colon, text = line.partition(":")
            if line.strip() and not colon:
                raise ValidationError(f"{line!r} is no header: write one a line, such as X-Team: search.")
            if name.strip() in headers:
                raise ValidationError(f"The header {name.strip()!r} is listed twice.")
            if line.strip():
                headers[name.strip()] = text.strip()
        return headers

    def has_changed(self, initial: Any, data: Any) -> bool:
        """Return whether the lines say something else than the mapping."""
        return _says_something_else(self, initial or {}, data)


class BetasField(forms.CharField):
    """The betas that an upstream takes, one a line; an empty field is None, and `none` an empty list."""

    widget = forms.Textarea(attrs={"rows": 3, "placeholder": "as known about the provider"})

    def prepare_value(self, value: Any) -> Any:
        """Return the lines of a list; what was typed stays as it was typed."""
        return ("\n".join(value) or "none") if isinstance(value, list) else value

    def to_python(self, value: Any) -> Any:
        """Return the list of the lines."""
        betas = (super().to_python(value) or "").replace(",", " ").split()
        return None if not betas else [] if betas == ["none"] else sorted(betas)

    def has_changed(self, initial: Any, data: Any) -> bool:
        """Return whether the lines say something else than the list."""
        return _says_something_else(self, initial, data)


class SaidOrKnown(forms.NullBooleanSelect):
    """Yes, no, or what is known about the provider."""

    def __init__(self) -> None:
        super().__init__()
        self.choices = [("unknown", "as known about the provider"), ("true", "yes"), ("false", "no")]


class PricesField(forms.CharField):
    """Prices as JSON on one line; an empty field means that there are none."""

    widget = forms.TextInput(attrs={"placeholder": '{"input": 0.15, "output": 0.6}'})

    def prepare_value(self, value: Any) -> Any:
        """Return the JSON of a mapping; what was typed stays as it was typed."""
        return json.dumps(value, ensure_ascii=False) if isinstance(value, dict) else value

    def to_python(self, value: Any) -> Any:
        """Return the value of the JSON, None for an empty field."""
        text = super().to_python(value)
        try:
            return json.loads(text) if text else None
        except (RecursionError, ValueError) as exc:
            raise ValidationError('This is not JSON: write a mapping such as {"input": 0.15}.') from exc

    def has_changed(self, initial: Any, data: Any) -> bool:
        """Return whether the text says something else than the mapping."""
        return _says_something_else(self, initial, data)


class CapabilitiesField(PricesField):
    """Corrections of a model's profile as JSON on one line; an empty field means that there are none."""

    widget = forms.TextInput(attrs={"placeholder": '{"reads_top_k": true}'})

    def prepare_value(self, value: Any) -> Any:
        """Return the JSON of a mapping, nothing for an empty one."""
        return super().prepare_value(value) if value else ""

    def to_python(self, value: Any) -> Any:
        """Return the value of the JSON, an empty mapping for an empty field."""
        written = super().to_python(value)
        return {} if written is None else written


def _says_something_else(field: forms.CharField, initial: Any, data: Any) -> bool:
    try:
        return bool(field.to_python(data) != initial)
    except ValidationError:
        return True


class UpstreamForm(forms.ModelForm):  # type: ignore[type-arg]  # no generic at run time
    """An upstream. Its access key is written and never read back."""

    new_access_key = forms.CharField(
        label="Access key",
        required=False,
        max_length=4000,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password", "class": "vTextField"}),
        help_text="Leave blank to keep what is there. <code>$NAME</code> or <code>file:/run/secrets/name</code> stays "
        "a reference, read where the gateway runs; anything else is stored encrypted and never shown again.",
    )
    clear_access_key = forms.BooleanField(
        label="Remove the access key", required=False, help_text="For upstreams that need none."
    )
    shapes = forms.MultipleChoiceField(
        choices=shape_choices,
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text="Wire formats that this upstream speaks itself: such requests pass through unchanged. "
        "Tick none to get what is known about the provider.",
    )
    prefer = forms.ChoiceField(
        label="Preferred shape",
        choices=lambda: [("", "as known about the provider"), *shape_choices()],
        required=False,
        help_text="What a request is translated to when the client's shape is not ticked above.",
    )
    quirks = forms.MultipleChoiceField(
        choices=quirk_choices,
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text="Known deviations. Tick what this upstream needs.",
    )
    asks_usage = forms.NullBooleanField(
        label="Ask for usage",
        required=False,
        widget=SaidOrKnown,
        help_text="Ask chat streams that pass through for their usage where the client did not, so that it is counted; "
        "the client does not see it. For upstreams that take stream_options.",
    )
    betas = BetasField(
        required=False,
        help_text="Values of the header anthropic-beta that this upstream takes, one a line; others are left out of "
        "requests that pass through. <code>*</code>: all of them. <code>none</code>: none. Blank: as known about the "
        "provider.",
    )
    interface = forms.ChoiceField(
        label="Speaks like",
        choices=lambda: [("", "itself"), *((name, name) for name in sorted(PRESETS))],
        required=False,
        help_text="For a provider that is not known here: a known one with the same wire format and credential.",
    )
    headers = HeadersField(required=False, help_text="Sent with every request. One header a line.")

    class Meta:
        """Texts for people."""

        model = Upstream
        exclude: ClassVar[list[str]] = []
        widgets: ClassVar[dict[str, forms.Widget]] = {"provider": SuggestingInput(attrs={"class": "vTextField"})}
        help_texts: ClassVar[dict[str, str]] = {
            "name": "How this account is called here, for instance openai or openai-eu.",
            "provider": "What stands before the slash when a client asks for provider/model, for instance openai.",
            "base_url": "https://api.example.com gets /v1 added; a path, as in https://example.com/api/v2, stands for "
            "itself. Blank: the known address of the provider.",
            "passthrough_auth": "The client's own key goes to the upstream, instead of the access key above.",
            "http_host": "Sent instead of the base URL's host. Blank for most.",
            "enabled": "Untick to send nothing here: the targets at this upstream are passed over.",
            "connect_timeout": "Seconds until a connection stands. 0 means for ever, here and below.",
            "first_byte_timeout": "Seconds until the answer begins. One that is not streamed is made in this time.",
            "idle_timeout": "Seconds between two reads of an answer.",
            "total_timeout": "Seconds for the whole answer.",
        }

    def clean(self) -> dict[str, Any]:
        """Check the access key, and that a stored secret does not move to another host by itself."""
        cleaned = super().clean() or self.cleaned_data
        key, clear = cleaned.get("new_access_key", ""), cleaned.get("clear_access_key", False)
        if key and clear:
            self.add_error("clear_access_key", "Either write a new access key or remove it.")
        try:
            if key:
                credentials.check_access_key(key)
                credentials.encrypt(key)
            elif not clear and self.instance.secret and self._moves(cleaned):
                self.add_error(
                    "new_access_key",
                    "The base URL leads to another host: enter the access key again, or remove it. "
                    "A stored secret is never sent to a host that it was not entered for.",
                )
        except InvalidValue as exc:
            self.add_error("new_access_key", f"{str(exc)[:1].upper()}{str(exc)[1:]}.")
        return cleaned

    def save(self, commit: bool = True) -> Upstream:
        """Put the new access key in place, or remove the old one."""
        if self.cleaned_data.get("clear_access_key"):
            self.instance.set_access_key("")
        elif self.cleaned_data.get("new_access_key"):
            self.instance.set_access_key(self.cleaned_data["new_access_key"])
        upstream: Upstream = super().save(commit)
        return upstream

    def _moves(self, cleaned: dict[str, Any]) -> bool:
        known = preset_for(cleaned.get("provider", ""), cleaned.get("interface", "")).base_url or ""
        try:
            return endpoint_of(self.instance.base_url) != endpoint_of(cleaned.get("base_url") or known)
        except InvalidValue:
            return True


class RouteForm(forms.ModelForm):  # type: ignore[type-arg]  # no generic at run time
    """A route."""

    class Meta:
        """Texts for people."""

        model = Route
        fields: ClassVar[list[str]] = ["name", "enabled", "is_default", "strict"]
        help_texts: ClassVar[dict[str, str]] = {
            "name": "What clients write as the model. provider/*, such as openai/*, serves every model of a provider.",
            "enabled": "Untick to answer as if the model did not exist.",
            "is_default": "Serves requests that name no model. One route at most.",
            "strict": "Refuse a request instead of dropping or changing any of its fields, for every client.",
        }


class TargetForm(forms.ModelForm):  # type: ignore[type-arg]  # no generic at run time
    """A target of a route."""

    prices = PricesField(required=False, help_text="JSON, for a million tokens.")
    capabilities = CapabilitiesField(
        required=False, help_text="JSON. Corrects what translation assumes of this model; see above for the names."
    )

    class Meta:
        """Texts for people."""

        model = Target
        fields: ClassVar[list[str]] = [
            "upstream", "model", "tier", "weight", "enabled", "prices", "capabilities",
        ]  # fmt: skip
        help_texts: ClassVar[dict[str, str]] = {
            "model": "The model's name at the upstream. Blank: the route's name.",
            "tier": "0 is tried first, 1 when all of 0 fail, and so on.",
            "weight": "Share among the targets of one tier. 0 drains: nothing is sent while others can serve.",
        }


class AliasForm(forms.ModelForm):  # type: ignore[type-arg]  # no generic at run time
    """An alias of a route."""

    class Meta:
        """Texts for people."""

        model = Alias
        fields: ClassVar[list[str]] = ["name", "provider", "model"]
        help_texts: ClassVar[dict[str, str]] = {
            "name": "What clients may write instead of the route's name.",
            "provider": "Only targets of this provider. Blank: all.",
            "model": "Only for a wildcard route: the model that the alias stands for.",
        }
