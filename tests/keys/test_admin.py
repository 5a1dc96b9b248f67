"""Admin of projects and keys, as an operator's browser sees it."""

from __future__ import annotations

import html
import re
from datetime import timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.contrib.sessions.models import Session
from django.test import Client
from django.utils import timezone

from keys.models import ApiKey, Project
from keys.snapshot import load_keys
from keys.table import Key

pytestmark = pytest.mark.django_db
LIST, ADD = "/admin/keys/apikey/", "/admin/keys/apikey/add/"
TEXT = re.compile(r"sy-[A-Za-z0-9_-]{43}")
MORE_MESSAGES_THAN_FIT_A_COOKIE = 30
EVIL = "<img src=x onerror=alert(1)>"


@pytest.fixture
def project() -> Project:
    """Give a project."""
    return Project.objects.create(name="web")


def _stored(project: Project, name: str = "site", days: int | None = None) -> ApiKey:
    key = ApiKey(project=project, name=name)
    key.expires = None if days is None else timezone.now() + timedelta(days=days)
    key.issue()
    key.save()
    return key


def _page(client: Client, path: str) -> str:
    response = client.get(path)
    assert response.status_code == 200
    return html.unescape(response.content.decode())


def _add(client: Client, project: Project, **fields: str) -> str:
    response = client.post(ADD, {"project": project.pk, "name": "site", "expires_0": "", "expires_1": "", **fields})
    assert response.status_code == 302, response.content.decode()
    return str(response["location"])


def test_a_new_key_is_shown_once(admin_client: Client, project: Project) -> None:
    """Saving a new key leads to the list with its text in a message; after that no page has it."""
    location = _add(admin_client, project)
    shown = TEXT.findall(_page(admin_client, location))
    assert len(shown) == 1
    assert load_keys().find(shown[0], now=0.0) == Key("web", "site")
    key = ApiKey.objects.get()
    for path in (LIST, f"{LIST}{key.pk}/change/", f"{LIST}{key.pk}/history/", "/admin/", "/admin/keys/project/"):
        assert not TEXT.search(_page(admin_client, path)), path


@pytest.mark.parametrize("button", ["_save", "_addanother", "_continue"])
def test_every_button_shows_the_text(admin_client: Client, project: Project, button: str) -> None:
    """Whichever way a form is sent, the next page has the text: a key that nobody saw is of no use."""
    assert TEXT.search(_page(admin_client, _add(admin_client, project, **{button: "1"})))


def test_the_text_never_gets_into_the_database(admin_client: Client, project: Project) -> None:
    """A text that waits to be shown is in the browser's cookie, even if more messages wait than fit there."""
    for _ in range(MORE_MESSAGES_THAN_FIT_A_COOKIE):
        _add(admin_client, project)
    waiting = [session.get_decoded() for session in Session.objects.all()]
    log = list(LogEntry.objects.values_list("object_repr", "change_message"))
    assert not TEXT.search(f"{waiting} {log}")
    assert len(TEXT.findall(_page(admin_client, LIST))) == 1


def test_no_page_shows_a_digest(admin_client: Client, project: Project) -> None:
    """A digest stays in the database: neither list nor form nor history nor the search for it shows it."""
    key = _stored(project)
    for path in (LIST, f"{LIST}{key.pk}/change/", f"{LIST}{key.pk}/history/"):
        page = _page(admin_client, path)
        assert key.prefix in page
        assert key.digest not in page
    assert "0 API keys" in _page(admin_client, f"{LIST}?q={key.digest}")


def test_revoking_refuses_the_key_and_is_logged(admin_client: Client, project: Project) -> None:
    """The action revokes what is selected, leaves the rest, and writes who did it into the key's history."""
    revoked, kept = _stored(project), _stored(project, "kept")
    response = admin_client.post(LIST, {"action": "revoke", "_selected_action": [revoked.pk]}, follow=True)
    assert "1 key revoked" in response.content.decode()
    assert [listing.key.name for listing in load_keys().by_digest.values()] == [kept.name]
    assert LogEntry.objects.get().get_change_message() == "Revoked."


def test_revoking_again_changes_nothing(admin_client: Client, project: Project) -> None:
    """The time at which a key was revoked is the first one."""
    key = _stored(project)
    key.revoke()
    admin_client.post(LIST, {"action": "revoke", "_selected_action": [key.pk]})
    assert ApiKey.objects.get().revoked_at == key.revoked_at


def test_keys_cannot_be_deleted(admin_client: Client, project: Project) -> None:
    """There is no way to delete a key, not for a superuser, and not by way of its project."""
    key = _stored(project)
    assert "delete_selected" not in _page(admin_client, LIST)
    assert admin_client.post(f"{LIST}{key.pk}/delete/", {"post": "yes"}).status_code == 403
    admin_client.post(f"/admin/keys/project/{project.pk}/delete/", {"post": "yes"})
    assert ApiKey.objects.filter(pk=key.pk).exists()


def test_a_saved_key_keeps_its_text_its_project_and_its_revocation(admin_client: Client, project: Project) -> None:
    """A forged form changes what an operator decides, the name and the expiry, and nothing else."""
    key, other = _stored(project), Project.objects.create(name="other")
    key.revoke()
    forged = {"project": other.pk, "digest": "0" * 64, "prefix": "sy-forged", "revoked_at_0": "", "revoked_at_1": ""}
    fields = {"name": "renamed", "expires_0": "2030-01-01", "expires_1": "00:00:00"}
    assert admin_client.post(f"{LIST}{key.pk}/change/", forged | fields).status_code == 302
    stored = ApiKey.objects.get()
    assert (stored.name, stored.expires and stored.expires.year) == ("renamed", 2030)
    for field in ("project_id", "digest", "prefix", "revoked_at"):
        assert getattr(stored, field) == getattr(key, field), field


def test_a_project_keeps_its_name(admin_client: Client, project: Project) -> None:
    """What is stored for a project names it, so a forged form does not rename it."""
    admin_client.post(f"/admin/keys/project/{project.pk}/change/", {"name": "another"})
    assert Project.objects.get().name == "web"


def test_a_new_key_that_has_expired_is_refused(admin_client: Client, project: Project) -> None:
    """An expiry in the past is an error at its field, and no key is made."""
    fields = {"project": project.pk, "name": "site", "expires_0": "2020-01-01", "expires_1": "00:00:00"}
    assert "the key would never be valid" in admin_client.post(ADD, fields).content.decode()
    assert not ApiKey.objects.exists()


def test_a_key_that_has_expired_can_be_saved(admin_client: Client, project: Project) -> None:
    """An expiry in the past is wrong for a new key only: an old one may be renamed, or end at once."""
    key = _stored(project, days=-1)
    fields = {"name": "renamed", "expires_0": "2020-01-01", "expires_1": "00:00:00"}
    assert admin_client.post(f"{LIST}{key.pk}/change/", fields).status_code == 302
    assert ApiKey.objects.get().name == "renamed"


@pytest.mark.parametrize(("state", "name"), [("valid", "fresh"), ("expired", "stale"), ("revoked", "gone")])
def test_the_list_can_be_narrowed_to_a_state(admin_client: Client, project: Project, state: str, name: str) -> None:
    """The filter and the column agree on which keys are valid, expired and revoked."""
    _stored(project, "fresh", days=1)
    _stored(project, "stale", days=-1)
    _stored(project, "gone").revoke()
    page = _page(admin_client, f"{LIST}?state={state}")
    assert "1 API key" in page
    assert re.search(rf'field-worth">{state}<', page)
    assert f">{name}</a>" in page


def test_projects_count_their_valid_keys(admin_client: Client, project: Project) -> None:
    """The list of projects says how many keys of each open the door."""
    _stored(project)
    _stored(project, "stale", days=-1)
    _stored(project, "gone").revoke()
    assert 'field-valid_keys">1<' in _page(admin_client, "/admin/keys/project/")


def test_names_are_shown_inert(admin_client: Client) -> None:
    """A name that is HTML is text on every page."""
    project = Project.objects.create(name=EVIL)
    _stored(project, EVIL)
    for path in (LIST, f"{LIST}{ApiKey.objects.get().pk}/change/", "/admin/keys/project/"):
        page = admin_client.get(path).content.decode()
        assert html.escape(EVIL) in page
        assert EVIL not in page


def test_whoever_may_only_look_can_neither_create_nor_revoke(client: Client, project: Project) -> None:
    """The permission to view shows the list; forged forms and actions change nothing."""
    viewer = User.objects.create_user("viewer", is_staff=True)
    viewer.user_permissions.set(Permission.objects.filter(codename="view_apikey"))
    client.force_login(viewer)
    key = _stored(project)
    assert key.prefix in _page(client, LIST)
    client.post(LIST, {"action": "revoke", "_selected_action": [key.pk]})
    assert client.post(ADD, {"project": project.pk, "name": "forged"}).status_code == 403
    assert [(stored.name, stored.revoked_at) for stored in ApiKey.objects.all()] == [("site", None)]
