"""What seeding and replacing do to a configuration. Pure values."""

from __future__ import annotations

import pytest
from hypothesis import given, settings

from routing.changes import changes_between, replaced, seeded
from routing.configuration import Configuration
from routing.credentials import fingerprint
from routing.rules import InvalidValue
from routing.seed import read_seed
from tests.routing.strategies import configurations

EMPTY = Configuration(upstreams={}, routes={}, aliases={})


def read(text: str) -> Configuration:
    """Return the configuration of a seed file."""
    return read_seed(text).configuration


def plan(current: Configuration, wanted: Configuration) -> list[str]:
    """Return the lines of a plan."""
    return [str(change) for change in changes_between(current, wanted)]


FILE = read("""
model_providers:
  - {model: openai/a, access_key: $K, default: true}
  - {model: openai/b, access_key: $K}
model_aliases: {x: {target: a}}
""")


def test_everything_is_created_in_an_empty_database() -> None:
    """The first seeding creates what the file says."""
    assert plan(EMPTY, seeded(EMPTY, FILE)) == [
        "create upstream openai",
        "create route a",
        "create route b",
        "create alias x",
    ]


@settings(max_examples=60, deadline=None)
@given(configurations())
def test_seeding_twice_changes_nothing(configuration: Configuration) -> None:
    """Whatever a file says, its second seeding finds nothing missing."""
    once = seeded(EMPTY, configuration)
    assert changes_between(once, seeded(once, configuration)) == []


@settings(max_examples=60, deadline=None)
@given(configurations(), configurations())
def test_replacing_gives_exactly_the_file(current: Configuration, wanted: Configuration) -> None:
    """Whatever was there, a replacement leaves what the file says and nothing else."""
    assert changes_between(replaced(current, wanted), wanted) == []


@settings(max_examples=60, deadline=None)
@given(configurations(), configurations())
def test_seeding_never_changes_what_is_there(current: Configuration, wanted: Configuration) -> None:
    """Seeding only creates: an operator's rows stay as they are, and there is still one default."""
    result = seeded(current, wanted)
    assert {change.action for change in changes_between(current, result)} <= {"create"}
    assert sum(route.is_default for route in result.routes.values()) <= 1


@pytest.mark.parametrize(
    "edited",
    [
        """
model_providers:
  - {model: openai/a, base_url: 'http://127.0.0.1:9', weight: 7}
  - {model: openai/b, access_key: $K2}
model_aliases: {x: {target: b}}
""",
        "model_providers: [{model: groq/a}, {model: groq/b}]\nmodel_aliases: {x: {target: b}}",
        """
model_providers: [{model: openai/a, name: renamed}]
routes: [{name: b, enabled: false}]
model_aliases: {x: {target: a}}
""",
    ],
)
def test_an_operators_edit_outlives_a_restart(edited: str) -> None:
    """Routes whose targets, upstreams or switches were edited get nothing back from the file."""
    current = read(edited)
    assert plan(current, seeded(current, FILE)) == []


def test_a_new_route_joins_the_account_that_is_there() -> None:
    """A missing route uses an upstream with the same account, whatever its name."""
    current = read("model_providers: [{model: openai/a, access_key: $K, name: main}]")
    result = seeded(current, FILE)
    assert plan(current, result) == ["create route b", "create alias x"]
    assert result.routes["b"].targets[0].upstream == "main"


def test_a_new_route_of_another_account_brings_its_upstream() -> None:
    """A made-up name that another account has is no reason to send requests there."""
    current = read("model_providers: [{model: openai/a, access_key: $OTHER}]")
    result = seeded(current, FILE)
    assert plan(current, result) == ["create upstream openai-2", "create route b", "create alias x"]
    assert result.upstreams[result.routes["b"].targets[0].upstream].access_key == "$K"


def test_a_given_name_decides() -> None:
    """An upstream that was named in the file is found by that name, although an operator edited it."""
    current = read("upstreams: [{name: main, provider: openai, base_url: 'http://127.0.0.1:9'}]")
    wanted = read("model_providers: [{model: openai/a, name: main}]")
    assert plan(current, seeded(current, wanted)) == ["create route a"]


def test_a_route_called_like_an_operators_alias_is_left_out() -> None:
    """A name that is taken is not taken away."""
    current = read("model_providers: [{model: openai/z}]\nmodel_aliases: {a: {target: z}, b: {target: z}}")
    assert plan(current, seeded(current, FILE)) == []


def test_a_replacement_names_what_changes() -> None:
    """The plan has a line for each row, with the fields that change and no values."""
    wanted = read("model_providers: [{model: openai/a, access_key: canary-secret, weight: 2, default: true}]")
    lines = plan(FILE, replaced(FILE, wanted))
    assert lines == [
        "change upstream openai (access_key)",
        "change route a (targets)",
        "delete route b",
        "delete alias x",
    ]


SECRET = f"fingerprint:{fingerprint('canary')}"


def stored(key: str = SECRET, url: str = "https://a.example") -> Configuration:
    """Return a configuration with one upstream."""
    return read(f"upstreams: [{{name: u, provider: acme, base_url: '{url}', access_key: '{key}'}}]")


@pytest.mark.parametrize("written", [SECRET, "canary", "fingerprint:00000000"])
def test_a_stored_secret_is_kept(written: str) -> None:
    """A fingerprint, and the same secret written out, leave the stored secret in place."""
    assert changes_between(stored(), replaced(stored(), stored(written))) == []


@pytest.mark.parametrize("written", ["$K", "other", ""])
def test_another_access_key_replaces_a_stored_secret(written: str) -> None:
    """A reference, another secret, or none at all takes the stored one's place."""
    wanted = (
        stored(written) if written else read("upstreams: [{name: u, provider: acme, base_url: 'https://a.example'}]")
    )
    assert plan(stored(), replaced(stored(), wanted)) == ["change upstream u (access_key)"]


def test_a_stored_secret_does_not_move_to_another_host() -> None:
    """A file that changes the host must bring the secret along."""
    with pytest.raises(InvalidValue, match="moves to another host"):
        replaced(stored(), stored(url="https://b.example"))


def test_a_stored_secret_may_move_to_another_path() -> None:
    """Another path at the same host is the same recipient."""
    moved = stored(url="https://a.example/v2")
    assert plan(stored(), replaced(stored(), moved)) == ["change upstream u (base_url)"]


@pytest.mark.parametrize("current", [EMPTY, stored("$K")])
def test_a_fingerprint_without_a_stored_secret_is_an_error(current: Configuration) -> None:
    """A file from elsewhere has no secrets: the error says what to write instead."""
    with pytest.raises(InvalidValue, match=r"none is stored: write \$NAME"):
        replaced(current, stored())
    if not current.upstreams:
        with pytest.raises(InvalidValue, match="none is stored"):
            seeded(current, stored())
