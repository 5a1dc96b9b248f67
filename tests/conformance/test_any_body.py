"""Whatever a client sends: it is translated and its reply comes back, or it is refused as the client's fault.

A sample runs with the suite; GENERATED_BODIES=10000 tries so many of each client.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from tests.conformance.bodies import bodies
from tests.conformance.losses import MODELS, Wire
from tests.conformance.reporting_gateway import ReportingGateway, reporting_gateway
from tests.serving.fake_upstream import streaming, whole
from tests.serving.wires import ENDPOINTS, REPLIES, STREAMS
from tests.translation.relaying import CIRCUMSTANCES, PAIRS, streamed
from translation.counting import estimate_tokens
from translation.failures import Failure, RequestRefused
from translation.replay import Scope, put_back, trace
from translation.shapes import SHAPES
from translation.translator import Destination, Translation, read_request, translate, translate_reply

COUNT = int(os.environ.get("GENERATED_BODIES", "600"))
SEED = int(os.environ.get("GENERATED_BODIES_SEED", "7"))
SERVED = COUNT // 6
SCOPE = Scope("tenant", "deployment", "model")


@pytest.mark.parametrize(("client", "upstream"), PAIRS)
def test_any_body_is_translated_or_refused(client: str, upstream: str) -> None:
    """A generated body becomes a request whose reply can be written, or a 400 that says where the fault is."""
    accepted = 0
    for wire in bodies(client, SEED, COUNT):
        try:
            relay = relayed(client, wire, upstream)
        except RequestRefused as refused:
            assert_told(client, refused.failure, wire)
        else:
            accepted += 1
            answered(relay, wire)
    assert accepted > COUNT // 5


def assert_told(client: str, failure: Failure, wire: Wire) -> None:
    """Assert that a refusal is the client's fault and says where it is."""
    status, body = SHAPES[client].encode_error(failure, "req_1")
    assert (status, bool(failure.param)) == (400, True), wire
    assert body["error"]["message"], wire


def relayed(client: str, wire: Wire, upstream: str) -> Translation:
    """Return the relay of a body, as serving makes it: read, taken up again, counted and translated."""
    reading = read_request(wire, client)
    put_back(reading.request, trace(reading.request, SCOPE), {})
    assert estimate_tokens(reading.request) >= 0
    return translate(reading, Destination(shape=upstream, model=MODELS[upstream]), CIRCUMSTANCES, "alias")


def answered(relay: Translation, wire: Wire) -> None:
    """Write a reply to a request, in both forms."""
    sent: Any = msgspec.json.decode(relay.body)
    assert sent["model"] == MODELS[relay.upstream], wire
    assert msgspec.json.decode(translate_reply(REPLIES[relay.upstream], relay).body), wire
    assert streamed(relay, [STREAMS[relay.upstream]]), wire


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ReportingGateway]:
    """The gateway with a route to each shape."""
    with reporting_gateway(tmp_path_factory.mktemp("any body")) as gateway:
        yield gateway


@pytest.mark.parametrize("upstream", ENDPOINTS)
@pytest.mark.parametrize("client", ENDPOINTS)
def test_running_gateway_has_an_answer_to_any_body(served: ReportingGateway, client: str, upstream: str) -> None:
    """No generated body gets a 5xx from the gateway that runs, translated or not: an answer, or a 400 of its shape."""
    for wire in bodies(client, SEED + 1, SERVED):
        streams = wire.get("stream") is True
        served.upstream.answer(streaming(STREAMS[upstream]) if streams else whole(REPLIES[upstream]))
        answer = served.post(client, wire, f"to-{upstream}/{MODELS[upstream]}")
        assert answer.status_code in (200, 400), (answer.text, wire)
        if answer.status_code == 400:
            assert answer.json()["error"]["message"]
    assert "Traceback" not in served.gateway.log()
