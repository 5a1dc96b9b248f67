"""The API's URLs."""

from __future__ import annotations

from django.urls import path

from serving import stored, views

PROBES = [
    path("", views.root),
    path("healthz", views.healthz),
    path("readyz", views.readyz),
]

urlpatterns = [
    path("v1/chat/completions", views.chat_completions),
    path("v1/messages", views.messages),
    path("v1/messages/count_tokens", views.count_tokens),
    path("v1/responses", views.responses),
    path("v1/responses/input_tokens", views.input_tokens),
    path("v1/responses/compact", stored.compact),
    path("v1/responses/<path:rest>", stored.response),
    path("v1/conversations", stored.new_conversation),
    path("v1/conversations/<path:rest>", stored.conversation),
    path("v1/models", views.models),
    path("v1/models/<path:name>", views.model),
    *PROBES,
]
