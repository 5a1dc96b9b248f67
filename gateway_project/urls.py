"""The URLs of the pages: admin. The API's URLs are in serving/urls.py and never pass through here."""

from __future__ import annotations

from django.contrib import admin
from django.urls import path

urlpatterns = [path("admin/", admin.site.urls)]
