"""The upstream's limits in the words of the client's shape: every header both ways, and values of every sort."""

from __future__ import annotations

import pytest

from serving.headers import to_client
from serving.rate_limits import rate_limit

NOW = 1_800_000_000.25
"""A quarter of a second after 2027-01-15T08:00:00Z."""

COUNTS = [
    (b"x-ratelimit-limit-requests", b"anthropic-ratelimit-requests-limit"),
    (b"x-ratelimit-remaining-requests", b"anthropic-ratelimit-requests-remaining"),
    (b"x-ratelimit-limit-tokens", b"anthropic-ratelimit-tokens-limit"),
    (b"x-ratelimit-remaining-tokens", b"anthropic-ratelimit-tokens-remaining"),
]
RESETS = [
    (b"x-ratelimit-reset-requests", b"anthropic-ratelimit-requests-reset"),
    (b"x-ratelimit-reset-tokens", b"anthropic-ratelimit-tokens-reset"),
]


@pytest.mark.parametrize("shape", ["chat", "responses"])
@pytest.mark.parametrize(("openai", "anthropic"), COUNTS)
def test_count_keeps_its_value_both_ways(openai: bytes, anthropic: bytes, shape: str) -> None:
    """A limit and what remains of it are the same number under the other family's name."""
    assert rate_limit(openai, b"5000", shape, "messages", NOW) == (anthropic, b"5000")
    assert rate_limit(anthropic, b"5000", "messages", shape, NOW) == (openai, b"5000")


@pytest.mark.parametrize(("openai", "anthropic"), RESETS)
@pytest.mark.parametrize(
    ("duration", "moment"),
    [
        (b"0s", b"2027-01-15T08:00:01Z"),
        (b"1s", b"2027-01-15T08:00:02Z"),
        (b"17ms", b"2027-01-15T08:00:01Z"),
        (b"750ms", b"2027-01-15T08:00:01Z"),
        (b"7.66s", b"2027-01-15T08:00:08Z"),
        (b"6m0s", b"2027-01-15T08:06:01Z"),
        (b"2m59.56s", b"2027-01-15T08:03:00Z"),
        (b"1h0m1s", b"2027-01-15T09:00:02Z"),
        (b"24h", b"2027-01-16T08:00:01Z"),
        (b"1m", b"2027-01-15T08:01:01Z"),
    ],
)
def test_duration_becomes_a_time(openai: bytes, anthropic: bytes, duration: bytes, moment: bytes) -> None:
    """A reset after some time is one at a time, in whole seconds and never earlier."""
    assert rate_limit(openai, duration, "chat", "messages", NOW) == (anthropic, moment)


@pytest.mark.parametrize(("openai", "anthropic"), RESETS)
@pytest.mark.parametrize(
    ("moment", "duration"),
    [
        (b"2027-01-15T08:00:01Z", b"1s"),
        (b"2027-01-15T08:00:59Z", b"59s"),
        (b"2027-01-15T08:06:00Z", b"6m0s"),
        (b"2027-01-15T09:00:00.250Z", b"1h0m0s"),
        (b"2027-01-15T09:06:07.5+01:00", b"6m8s"),
        (b"2027-01-16t08:00:00z", b"24h0m0s"),
        (b"2027-01-15T07:59:00Z", b"0s"),
    ],
)
def test_time_becomes_a_duration(openai: bytes, anthropic: bytes, moment: bytes, duration: bytes) -> None:
    """A reset at a time is one after some time, rounded up; a time that is over is no time at all."""
    assert rate_limit(anthropic, moment, "messages", "chat", NOW) == (openai, duration)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        (b"x-ratelimit-limit-requests", b"many"),
        (b"x-ratelimit-limit-requests", b"-1"),
        (b"x-ratelimit-limit-requests", b"5000, 1"),
        (b"x-ratelimit-limit-requests", b""),
        (b"x-ratelimit-reset-requests", b""),
        (b"x-ratelimit-reset-requests", b"30"),
        (b"x-ratelimit-reset-requests", b"soon"),
        (b"x-ratelimit-reset-requests", b"5s6m"),
        (b"x-ratelimit-reset-requests", b"9999999999999s"),
        (b"x-ratelimit-reset-requests", b"2027-01-15T08:06:00Z"),
        (b"x-ratelimit-limit-project-tokens", b"5000"),
        (b"x-ratelimit-limit-requests-day", b"5000"),
        (b"anthropic-ratelimit-requests-limit", b"5000"),
    ],
)
def test_what_cannot_be_told_is_left_out(name: bytes, value: bytes) -> None:
    """A value that cannot be read, or a limit that the client's shape does not know, is omitted and never guessed."""
    assert rate_limit(name, value, "chat", "messages", NOW) is None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        (b"anthropic-ratelimit-requests-reset", b"6m0s"),
        (b"anthropic-ratelimit-requests-reset", b"2027-01-15"),
        (b"anthropic-ratelimit-requests-reset", b"2027-13-45T99:00:00Z"),
        (b"anthropic-ratelimit-requests-reset", b"1800000000"),
        (b"anthropic-ratelimit-requests-remaining", b"4.5"),
        (b"anthropic-ratelimit-input-tokens-limit", b"5000"),
        (b"anthropic-priority-input-tokens-limit", b"5000"),
        (b"x-ratelimit-limit-requests", b"5000"),
    ],
)
def test_what_cannot_be_told_to_openais_clients_is_left_out(name: bytes, value: bytes) -> None:
    """The same in the other direction: input and output tokens apart are limits that OpenAI's shapes do not know."""
    assert rate_limit(name, value, "messages", "responses", NOW) is None


@pytest.mark.parametrize(("shape", "client_shape"), [("chat", "chat"), ("messages", "messages"), ("chat", "responses")])
def test_shapes_of_one_family_get_them_as_they_came(shape: str, client_shape: str) -> None:
    """Where the client's shape writes limits as the upstream does, not a character changes, whatever they say."""
    for name in (b"x-ratelimit-reset-project-tokens", b"anthropic-ratelimit-input-tokens-reset"):
        assert rate_limit(name, b"soon ", shape, client_shape, NOW) == (name, b"soon ")


def test_headers_for_the_client() -> None:
    """Limits are translated among the headers of an answer, whose other hints go along; the rest stays here."""
    headers = [
        (b"X-RateLimit-Limit-Requests", b"60"),
        (b"x-ratelimit-reset-requests", b"1s"),
        (b"x-ratelimit-reset-tokens", b"soon"),
        (b"Retry-After", b"7"),
        (b"x-request-id", b"up-1"),
        (b"request-id", b"up-1"),
        (b"set-cookie", b"a=b"),
    ]
    assert to_client(headers, "chat", "messages", NOW) == [
        (b"anthropic-ratelimit-requests-limit", b"60"),
        (b"anthropic-ratelimit-requests-reset", b"2027-01-15T08:00:02Z"),
        (b"retry-after", b"7"),
        (b"x-gateway-upstream-request-id", b"up-1"),
    ]
