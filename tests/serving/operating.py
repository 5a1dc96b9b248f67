"""What an operator does to a running gateway: edits rows in a management shell, works in admin, watches the result."""

from __future__ import annotations

import time
from collections.abc import Callable
from html.parser import HTMLParser
from typing import Any

import httpx2

from tests.serving.running import RunningGateway

SERVED_WITHIN_SECONDS = 2.0
OPERATOR = "operator"
PASSWORD = "a-password-for-the-tests"

_EDIT = """
import time
from django.db import transaction
from routing.revisions import publish
from routing.models import Alias, Revision, Route, Target, Upstream
with transaction.atomic():
{edit}
    publish("a test", "edited in a shell")
print(time.time())
"""


def edit(gateway: RunningGateway, statements: str) -> float:
    """Edit rows in a shell, publish them, and return the wall-clock time of the commit."""
    indented = "\n".join(f"    {line}" for line in statements.splitlines())
    printed = gateway.manage("shell", "--verbosity", "0", "--command", _EDIT.format(edit=indented))
    return float(printed.split()[-1])


def assert_served_in_time(saved_at: float, is_served: Callable[[], bool]) -> None:
    """Ask again and again until the edit of that time is served; fail if that takes longer than promised."""
    while not is_served():
        late = time.time() - saved_at - SERVED_WITHIN_SECONDS
        assert late < 0, "the edit is not served in time"
        time.sleep(0.02)


def wait_until(condition: Callable[[], bool], seconds: float) -> None:
    """Wait until the condition holds; fail if it does not in that time."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"it did not happen within {seconds} seconds"
        time.sleep(0.02)


def create_operator(gateway: RunningGateway) -> None:
    """Make the account that works in admin."""
    arguments = ["--noinput", "--username", OPERATOR, "--email", "operator@gateway.example"]
    gateway.manage("createsuperuser", *arguments, DJANGO_SUPERUSER_PASSWORD=PASSWORD)


class Admin:
    """A session in the admin of a gateway that runs, over HTTP, as a browser without scripts has it."""

    def __init__(self, gateway: RunningGateway) -> None:
        self._http = httpx2.Client(base_url=gateway.url, timeout=15, follow_redirects=True)
        landed = self.submit("/admin/login/?next=/admin/", username=OPERATOR, password=PASSWORD)
        assert landed.url.path == "/admin/", "the login was refused"

    def submit(self, path: str, **changes: Any) -> httpx2.Response:
        """Open a page, change fields of its form, send it, and return the page that follows."""
        page = self._http.get(path)
        assert page.status_code == 200
        fields = _FormFields(page.text).fields | changes
        answer = self._http.post(path, data=fields, headers={"referer": str(page.url)})
        assert answer.status_code == 200
        assert "errornote" not in answer.text, "the form was refused"
        return answer

    def change(self, kind: str, name: str, **changes: Any) -> float:
        """Change fields of one row's form, save it, and return the wall-clock time after the save."""
        listed = self._http.get(f"/admin/routing/{kind}/").text
        path = listed.partition(f'">{name}</a>')[0].rpartition('href="')[2]
        answer = self.submit(path, **changes)
        assert "is published" in answer.text
        return time.time()

    def close(self) -> None:
        """End the session."""
        self._http.close()


class _FormFields(HTMLParser):
    """The fields of a page's form with their values, as a browser would send them unchanged."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.fields: dict[str, Any] = {}
        self._select = ""
        self._textarea = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take what an element contributes."""
        told = dict(attrs)
        name = told.get("name") or ""
        if tag == "select":
            self._select = name
        elif tag == "textarea":
            self._textarea = name
            self.fields[name] = ""
        elif tag == "option" and "selected" in told:
            self.fields[self._select] = told.get("value") or ""
        elif tag == "input" and name and told.get("type") not in ("submit", "search", "reset"):
            self._take_input(name, told)

    def handle_endtag(self, tag: str) -> None:
        """Leave a text area."""
        if tag == "textarea":
            self._textarea = ""

    def handle_data(self, data: str) -> None:
        """Take the text of a text area."""
        if self._textarea:
            self.fields[self._textarea] += data.strip("\n")

    def _take_input(self, name: str, told: dict[str, str | None]) -> None:
        value = told.get("value") or ""
        if told.get("type") not in ("checkbox", "radio"):
            self.fields[name] = value
        elif "checked" in told:
            ticked = self.fields.get(name, [])
            self.fields[name] = [*ticked, told.get("value") or "on"]
