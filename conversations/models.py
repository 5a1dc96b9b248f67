"""Stored responses as rows. The small columns come first: SQLite reads them without the long ones behind."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from conversations.stored import ID_LENGTH

NAME_LENGTH = 100
MODEL_LENGTH = 255


class ResponseQuerySet(models.QuerySet["Response"]):
    """Many stored responses."""

    def expired(self, now: float) -> ResponseQuerySet:
        """Return what has expired and is no part of a conversation that goes on."""
        going_on = Response.objects.filter(
            project=models.OuterRef("project"), root=models.OuterRef("root"), expires__gt=now
        )
        return self.filter(expires__lte=now).exclude(models.Exists(going_on))


class Response(models.Model):
    """One stored response (stored.py says what its fields hold). Times are Unix seconds, as on the wire."""

    response_id = models.CharField("id", max_length=ID_LENGTH)
    project = models.CharField(max_length=NAME_LENGTH, blank=True)
    root = models.CharField("first of the conversation", max_length=ID_LENGTH)
    previous = models.CharField("previous response", max_length=ID_LENGTH, blank=True)
    status = models.CharField(max_length=16)
    created = models.FloatField()
    expires = models.FloatField(db_index=True)
    size = models.PositiveIntegerField("bytes")
    model = models.CharField(max_length=MODEL_LENGTH, blank=True)
    upstream = models.CharField(max_length=MODEL_LENGTH, blank=True)
    deployment = models.CharField("account", max_length=32, blank=True)
    shows_thoughts = models.BooleanField(default=False)
    items = models.BinaryField()
    output = models.BinaryField()
    response = models.BinaryField()
    pieces = models.BinaryField()

    objects = ResponseQuerySet.as_manager()

    class Meta:
        """Newest first; looked up by project and id, counted and pruned by conversation."""

        ordering = ["-created", "-pk"]
        verbose_name = "stored response"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["response_id", "project"], name="response_of_project"),
        ]
        indexes: ClassVar = [
            models.Index(fields=["project", "root", "created", "size", "expires"], name="response_conversation"),
            models.Index(fields=["created"], name="response_created"),
        ]

    def __str__(self) -> str:
        """Return the id."""
        return self.response_id
