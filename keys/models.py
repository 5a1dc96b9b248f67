"""The rows that operators edit: projects and their API keys. A key's text is not among them, only its digest."""

from __future__ import annotations

from datetime import datetime

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Count, Q
from django.utils import timezone

from keys.text import digest_of, new_text, prefix_of
from keys.versions import Versioned, VersionedQuerySet

NAME_LENGTH = 100


def check_name(name: str) -> None:
    """Check that a name can stand in a log line. Raises ValidationError."""
    if not name.isprintable():
        raise ValidationError("A name has printable characters only: no line breaks, no tabs, no control characters.")


class State(models.TextChoices):
    """What a key is worth."""

    VALID = "valid"
    EXPIRED = "expired"
    REVOKED = "revoked"


class ProjectQuerySet(VersionedQuerySet["Project"]):
    """Many projects."""

    def with_valid_key_count(self, now: datetime) -> ProjectQuerySet:
        """Count along, as `valid_key_count`, how many keys of each open the door now."""
        valid = Q(keys__revoked_at=None) & (Q(keys__expires=None) | Q(keys__expires__gt=now))
        return self.annotate(valid_key_count=Count("keys", filter=valid))


class Project(Versioned):
    """A tenant: owns keys, and whatever is stored or counted for them.

    What is stored names its owner by the project's name, so the name is for good: admin offers no change of it.
    """

    name = models.CharField(max_length=NAME_LENGTH, unique=True, validators=[check_name])
    created = models.DateTimeField(auto_now_add=True)

    objects = ProjectQuerySet.as_manager()

    class Meta:
        """By name."""

        ordering = ["name"]

    def __str__(self) -> str:
        """Return the name."""
        return self.name


class ApiKeyQuerySet(VersionedQuerySet["ApiKey"]):
    """Many keys."""

    def in_state(self, state: str, now: datetime) -> ApiKeyQuerySet:
        """Return the keys that are in this state now."""
        over = Q(expires__lte=now)
        match State(state):
            case State.VALID:
                return self.filter(~over | Q(expires=None), revoked_at=None)
            case State.EXPIRED:
                return self.filter(over, revoked_at=None)
            case State.REVOKED:
                return self.exclude(revoked_at=None)


class ApiKey(Versioned):
    """What a client shows to come in. A key is never deleted: it is revoked, for good."""

    project = models.ForeignKey(Project, models.PROTECT, related_name="keys")
    name = models.CharField(max_length=NAME_LENGTH, validators=[check_name])
    prefix = models.CharField("begins with", max_length=16, editable=False)
    digest = models.CharField(max_length=64, unique=True, editable=False)
    created = models.DateTimeField(auto_now_add=True)
    expires = models.DateTimeField(null=True, blank=True, help_text="Blank means never. In UTC.")
    revoked_at = models.DateTimeField("revoked", null=True, blank=True, editable=False)

    objects = ApiKeyQuerySet.as_manager()

    class Meta:
        """Newest first."""

        ordering = ["-created", "-pk"]
        verbose_name = "API key"

    def __str__(self) -> str:
        """Return the name and how the text begins."""
        return f"{self.name} ({self.prefix}…)"

    @property
    def state(self) -> State:
        """What the key is worth now."""
        if self.revoked_at is not None:
            return State.REVOKED
        return State.EXPIRED if self.expires is not None and self.expires <= timezone.now() else State.VALID

    def issue(self) -> str:
        """Give a key that is not saved yet its text, and return it: the key itself keeps only the digest."""
        text = new_text()
        self.prefix, self.digest = prefix_of(text), digest_of(text)
        return text

    def revoke(self) -> None:
        """Refuse the key from now on."""
        self.revoked_at = timezone.now()
        self.save(update_fields=["revoked_at"])

    def clean(self) -> None:
        """Check that a new key has not expired already."""
        if self._state.adding and self.expires is not None and self.expires <= timezone.now():
            raise ValidationError({"expires": "This is in the past: the key would never be valid."})
