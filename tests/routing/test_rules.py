"""Rules for single values, as seed files and admin share them."""

from __future__ import annotations

from typing import Any

import pytest

from routing import rules
from routing.rules import InvalidValue


@pytest.mark.parametrize(
    "url",
    [
        "https://api.openai.com",
        "http://127.0.0.1:51001",
        "http://localhost:11434/v1",
        "http://[::1]:8000",
        "https://api.example.com/api/v2",
        "http://host.docker.internal:51001",
        "http://10.0.0.7",
        "http://my_service:8080",
        "https://api.example.com.",
    ],
)
def test_a_base_url_is_http_with_a_host(url: str) -> None:
    """Public, private and loopback addresses are base URLs, with a port and a path if need be."""
    rules.check_base_url(url)


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("api.openai.com", "not an http or https address"),
        ("ftp://a.example", "not an http or https address"),
        ("file:///etc/passwd", "not an http or https address"),
        ("http://", "not an http or https address"),
        ("http://user:canary@a.example", "no user or password"),
        ("http://a.example@evil.example", "no user or password"),
        ("https://a.example?key=canary", "no query"),
        ("https://a.example/#x", "no query and no fragment"),
        ("http://a b", "characters"),
        ("http://a.example\\@b", "no user"),
        ("http://a.example/\n", "characters"),
        ("http://a.example/v1/../admin", "characters"),
        ("http://ä.example", "characters"),
        ("http://a.example:99999", "port"),
        ("http://a.example:0", "port"),
        ("http://a.example:x", "port"),
        ("http://[::1", "not an address"),
        ("http://a!b", "no host"),
        ("http://" + "a" * 600, "at most 500"),
    ],
)
def test_a_wrong_base_url_is_refused(url: str, message: str) -> None:
    """The message says what is wrong with a base URL, and never repeats a password in it."""
    with pytest.raises(InvalidValue, match=message) as caught:
        rules.check_base_url(url)
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize(
    "host",
    [
        "169.254.169.254",
        "[::ffff:169.254.169.254]",
        "[64:ff9b::a9fe:a9fe]",
        "[2002:a9fe:a9fe::1]",
        "[fe80::1]",
        "[fe80::1%25eth0]",
        "[fd00:ec2::254]",
        "100.100.100.200",
        "metadata.google.internal",
        "METADATA.google.internal.",
        "0.0.0.0",  # noqa: S104  # refused, not bound
        "[::]",
        "224.0.0.1",
        "2130706433",
        "127.1",
        "0x7f.1",
        "0x7f000001",
        "0177.0.0.1",
    ],
)
def test_a_metadata_service_is_no_upstream(host: str) -> None:
    """Metadata, link-local, multicast and empty addresses are refused, in whatever form they are written."""
    with pytest.raises(InvalidValue):
        rules.check_base_url(f"http://{host}/v1")


@pytest.mark.parametrize(
    ("left", "right", "same"),
    [
        ("https://a.example", "https://a.example:443/v1", True),
        ("https://a.example/v1", "https://A.example/v2", True),
        ("https://a.example", "http://a.example", False),
        ("https://a.example", "https://b.example", False),
        ("http://a.example:1", "http://a.example:2", False),
    ],
)
def test_an_endpoint_is_scheme_host_and_port(left: str, right: str, same: bool) -> None:
    """A path may change without leaving the endpoint; scheme, host and port may not."""
    assert (rules.endpoint_of(left) == rules.endpoint_of(right)) is same


@pytest.mark.parametrize(
    ("headers", "message"),
    [
        ({"Authorization": "Bearer x"}, "access_key"),
        ({"X-API-Key": "x"}, "access_key"),
        ({"api-key": "x"}, "access_key"),
        ({"Cookie": "x"}, "access_key"),
        ({"Connection": "close"}, "gateway itself"),
        ({"Transfer-Encoding": "chunked"}, "gateway itself"),
        ({"Host": "a"}, "gateway itself"),
        ({"Content-Length": "1"}, "gateway itself"),
        ({"X Team": "a"}, "no header name"),
        ({"": "a"}, "no header name"),
        ({"X-Team": "a\r\nX-Other: b"}, "line breaks"),
        ({"X-Team": "ü"}, "ASCII"),
        ({"X-Team": 1}, "in quotes"),
        ({"X-Team": "a", "x-team": "b"}, "twice"),
    ],
)
def test_a_header_is_legal_and_not_the_gateways_own(headers: dict[str, Any], message: str) -> None:
    """Credentials, connection headers, illegal names and values are refused with a reason."""
    with pytest.raises(InvalidValue, match=message):
        rules.check_headers(headers)


def test_ordinary_headers_are_fine() -> None:
    """Any other header may be added."""
    rules.check_headers({"X-Team": "search", "OpenAI-Organization": "org-1", "anthropic-beta": ""})


@pytest.mark.parametrize(
    ("shapes", "prefer", "message"),
    [
        ([], "chat", "at least one shape"),
        (["chat", "telepathy"], "chat", "'telepathy' is no shape"),
        (["chat"], "messages", "not among"),
        (["chat", "chat"], "chat", "twice"),
        (["chat"], "", "is no shape"),
    ],
)
def test_shapes_are_known_and_hold_the_preferred_one(shapes: list[str], prefer: str, message: str) -> None:
    """An upstream has at least one known shape, none twice, and prefers one of them."""
    with pytest.raises(InvalidValue, match=message):
        rules.check_shapes(shapes, prefer)


@pytest.mark.parametrize(
    "name", ["*", "a*", "*/x", "openai/gpt-*", "/*", "a/b/*", "a b", "a\n", "a\x00", "", "x" * 201]
)
def test_a_wildcard_is_a_provider_and_a_star(name: str) -> None:
    """A route's name is printable, and a star stands only after `provider/`."""
    with pytest.raises(InvalidValue):
        rules.check_route_name(name)


@pytest.mark.parametrize("name", ["gpt-4o", "openai/*", "meta-llama/Llama-3:70b@q4", "arch.v1", "модель"])
def test_model_names_are_what_providers_make_of_them(name: str) -> None:
    """Slashes, colons, dots and letters of any script are part of model names."""
    rules.check_route_name(name)


@pytest.mark.parametrize("seconds", [-1, float("nan"), float("inf"), 86_401, True, "5", None])
def test_a_timeout_is_a_number_of_seconds(seconds: object) -> None:
    """A timeout is finite, not negative, and at most a day."""
    with pytest.raises(InvalidValue, match="idle"):
        rules.check_timeout("idle", seconds)


@pytest.mark.parametrize("host", ["a b", "a:0", "a:70000", "http://a", "a/b", "", "a:1:2"])
def test_a_host_header_is_a_name_and_perhaps_a_port(host: str) -> None:
    """A Host header is no URL."""
    with pytest.raises(InvalidValue):
        rules.check_http_host(host)


@pytest.mark.parametrize("host", ["a.example", "a.example:8443", "[::1]:80", "10.0.0.1"])
def test_a_host_header_may_be_any_name(host: str) -> None:
    """Names and addresses are hosts, with and without a port."""
    rules.check_http_host(host)


@pytest.mark.parametrize(("model", "route"), [("gpt-4o", "openai/*"), ("*", "gpt-4o"), ("a b", "gpt-4o")])
def test_a_star_belongs_to_a_wildcard(model: str, route: str) -> None:
    """A target's model is a star on a wildcard route, and on no other."""
    with pytest.raises(InvalidValue):
        rules.check_target_model(model, route)


def test_an_unknown_quirk_is_refused_with_the_known_ones() -> None:
    """The message lists the quirks that there are."""
    with pytest.raises(InvalidValue, match=r"'sulks' is no quirk: choose from .*no_stream_options"):
        rules.check_quirks(["sulks"])
