"""Admin through Django's test client: what operators may do, what is refused, and that each change is one revision."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.db import transaction
from django.test import Client

from routing.export import write_seed
from routing.models import Alias, Revision, Route, Target, Upstream
from routing.revisions import publish
from routing.seed import read_seed
from routing.store import read_configuration, write_configuration

pytestmark = pytest.mark.django_db

SEED = """
model_providers:
  - {model: openai/a, access_key: sk-canary-stored, default: true}
  - {model: groq/b, access_key: $CANARY_VARIABLE}
model_aliases: {x: {target: a}}
"""

UPSTREAM: dict[str, Any] = {
    "name": "acme",
    "provider": "acme",
    "base_url": "https://llm.acme.example",
    "shapes": ["chat"],
    "prefer": "chat",
    "enabled": "on",
    "connect_timeout": "5",
    "first_byte_timeout": "600",
    "idle_timeout": "300",
    "total_timeout": "0",
}


@pytest.fixture(autouse=True)
def _seeded() -> None:
    """Start with two upstreams, two routes and an alias, published as revision 1."""
    with transaction.atomic():
        write_configuration(read_seed(SEED).configuration)
        publish("seed_routes", "Seeded")


@pytest.fixture
def admin(admin_client: Client) -> Client:
    """A superuser."""
    return admin_client


def route_form(
    name: str, targets: list[dict[str, Any]], aliases: list[dict[str, Any]] | None = None, **fields: Any
) -> dict[str, Any]:
    """Return what the form of a new route posts."""
    data: dict[str, Any] = {"name": name, "enabled": "on", **fields}
    for prefix, rows in (("targets", targets), ("aliases", aliases or [])):
        data |= {f"{prefix}-TOTAL_FORMS": len(rows), f"{prefix}-INITIAL_FORMS": 0}
        for index, row in enumerate(rows):
            data |= {f"{prefix}-{index}-{field}": value for field, value in row.items()}
    return data


def target(upstream: str = "openai", **fields: Any) -> dict[str, Any]:
    """Return what a row of the targets' inline posts."""
    row = {"upstream": Upstream.objects.get(name=upstream).pk, "model": "", "tier": 0, "weight": 1, "enabled": "on"}
    return {**row, "prices": "", **fields}


def page_errors(response: Any) -> str:
    """Return every validation message of a page."""
    context = response.context
    found = list(context["adminform"].form.errors.values()) if context and "adminform" in context else []
    for inline in context.get("inline_admin_formsets", []) if context else []:
        found += [errors for form in inline.formset.forms for errors in form.errors.values()]
        found.append(inline.formset.non_form_errors())
    return " ".join(str(message) for errors in found for message in errors)


def change(client: Client, name: str, **fields: Any) -> Any:
    """Post the change form of an upstream with some fields changed."""
    row = Upstream.objects.get(name=name)
    data = {**UPSTREAM, "name": row.name, "provider": row.provider, "base_url": row.base_url}
    data |= {"shapes": row.shapes, "prefer": row.prefer, "quirks": row.quirks, **fields}
    return client.post(f"/admin/routing/upstream/{row.pk}/change/", data)


@pytest.mark.parametrize(
    "path",
    [
        "",
        "routing/",
        "routing/upstream/",
        "routing/upstream/add/",
        "routing/route/",
        "routing/route/add/",
        "routing/route/?provider=openai&q=a",
        "routing/revision/",
    ],
)
def test_every_page_opens(admin: Client, path: str) -> None:
    """The index, the lists and the empty forms are pages, under the site's name."""
    response = admin.get(f"/admin/{path}")
    assert response.status_code == 200
    assert "Switchyard" in response.text


def test_the_index_reads_like_a_table_of_contents(admin: Client) -> None:
    """The room has three pages: upstreams, routes, revisions."""
    names = {
        model["name"]
        for app in admin.get("/admin/").context["app_list"]
        if app["app_label"] == "routing"
        for model in app["models"]
    }
    assert names == {"Upstreams", "Routes", "Revisions"}


def test_the_list_of_routes_takes_as_many_queries_for_many(admin: Client, django_assert_max_num_queries: Any) -> None:
    """Targets, upstreams and aliases of all routes come in a bounded number of queries."""
    with transaction.atomic():
        entries = "\n".join(f"- {{model: openai/m{number}}}" for number in range(60))
        write_configuration(read_seed(f"model_providers:\n{entries}").configuration)
    with django_assert_max_num_queries(14):
        assert "m59" in admin.get("/admin/routing/route/").text


def test_adding_an_upstream_publishes_a_revision(admin: Client) -> None:
    """A saved form is a row and a revision with the user as author; the preset fills what was left blank."""
    response = admin.post(
        "/admin/routing/upstream/add/",
        {**UPSTREAM, "name": "x2", "provider": "xai", "base_url": "", "shapes": [], "prefer": ""},
    )
    assert response.status_code == 302
    row, revision = Upstream.objects.get(name="x2"), Revision.objects.first()
    assert (row.base_url, row.shapes, row.prefer) == ("https://api.x.ai", ["chat", "responses"], "chat")
    assert revision is not None
    assert (revision.number, revision.author, revision.reason) == (2, "admin", "Added upstream x2.")
    assert revision.content == write_seed(read_configuration())


def test_the_reason_says_what_was_changed(admin: Client) -> None:
    """A revision tells which fields of which row changed."""
    assert change(admin, "groq", http_host="h.example").status_code == 302
    assert Revision.objects.first().reason == "Upstream groq: Changed Host header."


def test_saving_without_a_change_publishes_nothing(admin: Client) -> None:
    """Opening and saving a form is no revision."""
    assert change(admin, "groq").status_code == 302
    assert Revision.objects.count() == 1


def test_headers_are_kept_by_an_unrelated_change(admin: Client) -> None:
    """What is shown as text is read back as it was, and is no change."""
    Upstream.objects.filter(name="groq").update(headers={"X-B": "b: c", "X-A": ""})
    assert change(admin, "groq", headers="X-B: b: c\r\n\r\nX-A:", http_host="h.example").status_code == 302
    assert Revision.objects.first().reason == "Upstream groq: Changed Host header."
    assert Upstream.objects.get(name="groq").headers == {"X-B": "b: c", "X-A": ""}


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"base_url": "llm.acme.example"}, "is not an http or https address: write it like https://"),
        ({"base_url": "https://user:pass@llm.acme.example"}, "put the secret in access_key"),
        ({"base_url": "http://169.254.169.254"}, "metadata"),
        ({"base_url": ""}, "The address of 'acme' is not known: write it here"),
        ({"name": "a b"}, "has a space"),
        ({"name": "openai"}, "already exists"),
        ({"provider": "a/b"}, "is no provider"),
        ({"prefer": "messages"}, "is not among the upstream's shapes"),
        ({"shapes": ["telepathy"]}, "not one of the available choices"),
        ({"quirks": ["sulks"]}, "not one of the available choices"),
        ({"betas": "a b,c!"}, "'c!' is no beta: write names such as"),
        ({"betas": "* a"}, "'*' is no beta"),
        ({"asks_usage": "true", "quirks": ["no_stream_options"]}, "cannot be asked for usage"),
        ({"headers": "Authorization: x"}, "put the secret in access_key"),
        ({"headers": "Connection: close"}, "set by the gateway itself"),
        ({"headers": "X-Team"}, "write one a line"),
        ({"headers": "X-A: 1\nX-A: 2"}, "listed twice"),
        ({"http_host": "a b"}, "is no host"),
        ({"idle_timeout": "-1"}, "write 0 (none) to 86400 seconds"),
        ({"idle_timeout": "inf"}, "Enter a number"),
        ({"new_access_key": "$1"}, "write $NAME"),
        ({"new_access_key": "$SECRET_KEY"}, "a secret of the gateway itself"),
        ({"new_access_key": "fingerprint:1"}, "stands for a stored secret"),
        ({"new_access_key": "k", "clear_access_key": "on"}, "Either write a new access key or remove it"),
    ],
)
def test_a_wrong_upstream_is_refused_with_a_reason(admin: Client, fields: dict[str, Any], message: str) -> None:
    """The form comes back with a message that says what would be right, and nothing is saved or published."""
    response = admin.post("/admin/routing/upstream/add/", {**UPSTREAM, **fields})
    assert response.status_code == 200
    assert message in page_errors(response)
    assert not Upstream.objects.filter(name="acme").exists()
    assert Revision.objects.count() == 1


def test_a_blank_access_key_keeps_the_stored_one(admin: Client) -> None:
    """Saving a form without a new access key leaves the stored secret."""
    assert change(admin, "openai", http_host="h.example").status_code == 302
    assert Upstream.objects.get(name="openai").credential().value == "sk-canary-stored"


def test_a_new_access_key_replaces_the_old_one(admin: Client) -> None:
    """A typed secret is encrypted; a typed reference stays one."""
    change(admin, "openai", new_access_key="sk-canary-new")
    assert Upstream.objects.get(name="openai").credential().value == "sk-canary-new"
    change(admin, "openai", new_access_key="$OTHER_KEY")
    row = Upstream.objects.get(name="openai")
    assert (row.reference, row.secret, row.fingerprint) == ("$OTHER_KEY", "", "")


def test_an_access_key_can_be_removed(admin: Client) -> None:
    """The box removes the credential."""
    change(admin, "openai", clear_access_key="on")
    assert Upstream.objects.get(name="openai").credential() is None


@pytest.mark.parametrize("url", ["https://evil.example", "http://api.openai.com", "https://api.openai.com:8443"])
def test_a_stored_secret_does_not_follow_to_another_host(admin: Client, url: str) -> None:
    """Changing the host of an upstream with a stored secret asks for the secret again."""
    assert "enter the access key again" in page_errors(change(admin, "openai", base_url=url))
    assert Upstream.objects.get(name="openai").base_url == "https://api.openai.com"
    assert change(admin, "openai", base_url=url, new_access_key="sk-canary-again").status_code == 302
    assert Upstream.objects.get(name="openai").base_url == url


def test_a_preset_of_another_provider_is_another_host(admin: Client) -> None:
    """A blank address means the provider's own, so changing the provider asks for the secret again too."""
    assert "enter the access key again" in page_errors(change(admin, "openai", provider="xai", base_url=""))


def test_another_path_at_the_same_host_keeps_the_secret(admin: Client) -> None:
    """The secret is bound to scheme, host and port."""
    assert change(admin, "openai", base_url="https://api.openai.com/v2").status_code == 302
    assert Upstream.objects.get(name="openai").credential().value == "sk-canary-stored"


def test_a_reference_may_go_to_another_host(admin: Client) -> None:
    """A reference is written in plain sight, so it needs no second confirmation."""
    assert change(admin, "groq", base_url="https://other.example").status_code == 302


def test_no_page_shows_a_credential(admin: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lists, forms, histories, deletions, revisions and rejected forms hold no stored and no referenced secret."""
    monkeypatch.setenv("CANARY_VARIABLE", "canary-of-the-environment")
    rejected = change(admin, "openai", new_access_key="sk-canary-typed", http_host="a b")
    change(admin, "openai", new_access_key="sk-canary-next")
    paths = ["", "routing/upstream/", "routing/route/", "routing/revision/"]
    paths += [
        f"routing/upstream/{row.pk}/{page}/"
        for row in Upstream.objects.all()
        for page in ("change", "history", "delete")
    ]
    paths += [f"routing/revision/{row.pk}/change/" for row in Revision.objects.all()]
    pages = [rejected.text, *(admin.get(f"/admin/{path}").text for path in paths)]
    assert all("sk-canary" not in page and "canary-of-the" not in page for page in pages)
    assert len(pages) == 13


def test_an_unset_variable_is_marked(admin: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """The list shows the reference, in red while it leads to nothing."""
    assert "✘ $CANARY_VARIABLE is not set" in admin.get("/admin/routing/upstream/").text
    monkeypatch.setenv("CANARY_VARIABLE", "k")
    page = admin.get("/admin/routing/upstream/").text
    assert "✘" not in page
    assert "$CANARY_VARIABLE" in page


def test_what_is_typed_is_shown_inert(admin: Client) -> None:
    """A name that is HTML is text on every page."""
    admin.post("/admin/routing/route/add/", route_form("<img/src=x>", [target(model="<b>m</b>")]))
    for path in ("routing/route/", f"routing/revision/{Revision.objects.get(number=2).pk}/change/", ""):
        page = admin.get(f"/admin/{path}").text
        assert "<img/src=x>" not in page
        assert "<b>m</b>" not in page
    assert Route.objects.filter(name="<img/src=x>").exists()


def test_a_route_is_added_with_target_and_alias(admin: Client) -> None:
    """One form makes a route, its target and its alias, and one revision; a blank model is the route's name."""
    prices = '{"input": 0.15}'
    data = route_form("gpt-4o", [target(prices=prices)], [{"name": "fast", "provider": "", "model": ""}])
    assert admin.post("/admin/routing/route/add/", data).status_code == 302
    row = Target.objects.get(route__name="gpt-4o")
    assert (row.model, row.prices) == ("gpt-4o", {"input": 0.15})
    assert Alias.objects.get(name="fast").route.name == "gpt-4o"
    assert Revision.objects.count() == 2


def test_a_wildcard_passes_the_model_on(admin: Client) -> None:
    """A wildcard's target has a star without being told."""
    assert admin.post("/admin/routing/route/add/", route_form("openai/*", [target()])).status_code == 302
    assert Target.objects.get(route__name="openai/*").model == "*"


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (lambda: route_form("", [target()]), "This field is required"),
        (lambda: route_form("a", [target()]), "already exists"),
        (lambda: route_form("x", [target()]), "'x' is an alias of a"),
        (lambda: route_form("a*", [target()]), "a wildcard is written provider/*"),
        (lambda: route_form("new", [target()], is_default="on"), "use the action 'Make this the default'"),
        (lambda: route_form("openai/*", [target()], is_default="on"), "A wildcard names no model"),
        (lambda: route_form("openai/*", [target(model="m")]), "its model is *"),
        (lambda: route_form("new", [target(model="*")]), "has a star"),
        (lambda: route_form("new", [target(), target()]), "correct the duplicate"),
        (lambda: route_form("new", [target(weight=-1)]), "greater than or equal to 0"),
        (lambda: route_form("new", [target(tier=101)]), "from 0 to 100"),
        (lambda: route_form("new", [target(prices="[1]")]), "Prices are not a list"),
        (lambda: route_form("new", [target(prices="{")]), "This is not JSON"),
        (lambda: route_form("new", [target(prices='{"a": NaN}')]), "seed file cannot"),
        (lambda: route_form("new", [target(prices='{"a": "\\u0000"}')]), "seed file cannot"),
        (lambda: route_form("new", [target(prices="[" * 100_000)]), "JSON"),
        (lambda: route_form("new", [target()], [{"name": "a"}]), "'a' is a route"),
        (lambda: route_form("new", [target()], [{"name": "new"}]), "'new' is a route"),
        (lambda: route_form("new", [target()], [{"name": "x"}]), "already exists"),
        (lambda: route_form("new", [target()], [{"name": "openai/a"}]), "the full name of the route 'a'"),
        (lambda: route_form("new", [target()], [{"name": "y*"}]), "has a star"),
        (lambda: route_form("new", [target()], [{"name": "y", "model": "m"}]), "only an alias of a wildcard"),
        (lambda: route_form("openai/*", [target()], [{"name": "y"}]), "the name of the model is empty"),
        (
            lambda: route_form("openai/*", [target()], [{"name": "y", "model": "m", "provider": "openai"}]),
            "leave this blank",
        ),
    ],
)
def test_a_wrong_route_is_refused_with_a_reason(admin: Client, data: Any, message: str) -> None:
    """The form comes back with a message that says what would be right, and nothing is saved or published."""
    response = admin.post("/admin/routing/route/add/", data())
    assert response.status_code == 200
    assert message.lower() in page_errors(response).lower()
    assert (Route.objects.count(), Revision.objects.count()) == (2, 1)


def test_what_would_contradict_itself_is_not_saved(admin: Client) -> None:
    """An alias for a provider that the route lacks passes each field, and is refused as a whole with its reason."""
    data = route_form("new", [target()], [{"name": "y", "provider": "groq", "model": ""}])
    response = admin.post("/admin/routing/route/add/", data, follow=True)
    assert "Nothing was saved: the alias &#x27;y&#x27; leads to &#x27;groq/new&#x27;" in response.text
    assert "was added successfully" not in response.text
    assert (Route.objects.count(), Revision.objects.count()) == (2, 1)


def test_an_upstream_in_use_is_not_deleted(admin: Client) -> None:
    """Deleting an upstream says which targets need it, and deletes nothing."""
    row = Upstream.objects.get(name="openai")
    response = admin.post(f"/admin/routing/upstream/{row.pk}/delete/", {"post": "yes"})
    assert "protected" in response.text
    assert Upstream.objects.count() == 2


def test_deleting_a_route_publishes_a_revision(admin: Client) -> None:
    """A deletion takes targets and aliases along, as one revision."""
    row = Route.objects.get(name="a")
    admin.post(f"/admin/routing/route/{row.pk}/delete/", {"post": "yes"})
    assert (Route.objects.count(), Alias.objects.count()) == (1, 0)
    assert Revision.objects.first().reason == "Deleted route a."


def act(client: Client, model: str, action: str, *rows: Any, **fields: Any) -> Any:
    """Run an action of a list on some rows."""
    data = {"action": action, "_selected_action": [row.pk for row in rows], "index": 0, **fields}
    return client.post(f"/admin/routing/{model}/", data, follow=True)


def test_deleting_several_rows_is_one_revision(admin: Client) -> None:
    """The built-in action asks first, which publishes nothing, and then publishes once."""
    rows = list(Route.objects.all())
    act(admin, "route", "delete_selected", *rows)
    assert (Route.objects.count(), Revision.objects.count()) == (2, 1)
    data = {"action": "delete_selected", "_selected_action": [row.pk for row in rows], "post": "yes"}
    admin.post("/admin/routing/route/", data)
    assert (Route.objects.count(), Revision.objects.count()) == (0, 2)
    assert Revision.objects.first().reason == "Deleted route a. Deleted route b."


@pytest.mark.parametrize(("model", "table"), [("upstream", Upstream), ("route", Route)])
def test_switching_rows_off_and_on_is_one_revision_each(admin: Client, model: str, table: Any) -> None:
    """The actions switch all selected rows at once."""
    act(admin, model, "disable", *table.objects.all())
    assert not table.objects.filter(enabled=True).exists()
    act(admin, model, "enable", *table.objects.all())
    assert not table.objects.filter(enabled=False).exists()
    assert list(Revision.objects.values_list("number", flat=True)) == [3, 2, 1]


def test_the_default_is_changed_over_by_an_action(admin: Client) -> None:
    """The selected route becomes the default instead of the one that was, in one revision."""
    act(admin, "route", "make_default", Route.objects.get(name="b"))
    assert list(Route.objects.filter(is_default=True).values_list("name", flat=True)) == ["b"]
    assert Revision.objects.first().reason == "Route b: Made this the default."


def test_only_one_usable_route_becomes_the_default(admin: Client) -> None:
    """Several routes, a wildcard or a disabled route are refused with a message."""
    Route.objects.filter(name="b").update(enabled=False)
    wild = Route.objects.create(name="openai/*")
    for rows in (Route.objects.all(), [wild], [Route.objects.get(name="b")]):
        assert "Select one route that is enabled" in act(admin, "route", "make_default", *rows).text
    assert Route.objects.get(is_default=True).name == "a"


def test_a_change_and_its_revision_are_one_transaction(admin: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """If the revision cannot be written, the change is not made either."""

    def fail(*arguments: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr("routing.publishing.publish", fail)
    with pytest.raises(OSError, match="disk full"):
        change(admin, "groq", http_host="h.example")
    assert Upstream.objects.get(name="groq").http_host == ""


def test_revisions_are_read_only(admin: Client) -> None:
    """Nobody adds, changes or deletes a revision, not even by a forged request."""
    row = Revision.objects.get()
    for path in ("add/", f"{row.pk}/delete/"):
        assert admin.post(f"/admin/routing/revision/{path}", {"post": "yes"}).status_code == 403
    assert admin.post(f"/admin/routing/revision/{row.pk}/change/", {"content": "x"}).status_code == 403
    act(admin, "revision", "delete_selected", row, post="yes")
    assert Revision.objects.get().content == row.content


def test_a_revision_shows_what_changed(admin: Client) -> None:
    """The page of a revision has the lines that came and went, and the whole configuration."""
    change(admin, "groq", http_host="h.example")
    page = admin.get(f"/admin/routing/revision/{Revision.objects.get(number=2).pk}/change/").text
    assert "<ins>+  http_host: h.example</ins>" in page
    assert "- model: openai/a" in page


def test_a_revision_is_restored_from_the_list(admin: Client) -> None:
    """The action makes the configuration what it was, with the user as author."""
    change(admin, "groq", http_host="h.example")
    assert "is restored as revision 3" in act(admin, "revision", "restore", Revision.objects.get(number=1)).text
    assert Upstream.objects.get(name="groq").http_host == ""
    assert Revision.objects.first().author == "admin"
    assert "Select one revision" in act(admin, "revision", "restore", *Revision.objects.all()).text


def test_a_revision_whose_secret_is_gone_says_so(admin: Client) -> None:
    """A restore that cannot be done is a message, and changes nothing."""
    change(admin, "openai", clear_access_key="on")
    page = act(admin, "revision", "restore", Revision.objects.get(number=1)).text
    assert "cannot be restored" in page
    assert Revision.objects.count() == 2


@pytest.fixture
def viewer(client: Client) -> Client:
    """A user who may only look."""
    user = User.objects.create_user("grace", is_staff=True)
    user.user_permissions.set(
        Permission.objects.filter(content_type__app_label="routing", codename__startswith="view_")
    )
    client.force_login(user)
    return client


def test_who_may_only_look_sees_every_page(viewer: Client) -> None:
    """Lists and rows open, without fields for a credential."""
    row = Upstream.objects.get(name="openai")
    page = viewer.get(f"/admin/routing/upstream/{row.pk}/change/")
    assert page.status_code == 200
    assert "new_access_key" not in page.text
    assert viewer.get(f"/admin/routing/route/{Route.objects.get(name='a').pk}/change/").status_code == 200
    assert viewer.get("/admin/routing/revision/").status_code == 200


def test_who_may_only_look_changes_nothing(viewer: Client) -> None:
    """Forged posts to forms, deletions and actions leave the configuration as it is."""
    row, route = Upstream.objects.get(name="openai"), Route.objects.get(name="b")
    assert change(viewer, "openai", http_host="h.example").status_code == 403
    assert viewer.post("/admin/routing/route/add/", route_form("new", [target()])).status_code == 403
    assert viewer.post(f"/admin/routing/route/{route.pk}/delete/", {"post": "yes"}).status_code == 403
    for model, action in (
        ("upstream", "disable"),
        ("route", "make_default"),
        ("route", "delete_selected"),
        ("revision", "restore"),
    ):
        act(
            viewer,
            model,
            action,
            {"upstream": row, "route": route, "revision": Revision.objects.get()}[model],
            post="yes",
        )
    assert write_seed(read_configuration()) == Revision.objects.get().content
