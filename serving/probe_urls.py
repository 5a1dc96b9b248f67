"""The URLs of a process that serves admin only: probes, and no model."""

from __future__ import annotations

from serving.urls import PROBES

urlpatterns = PROBES
