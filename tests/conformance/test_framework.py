"""Statements about passing through, about keys, and about what a translation reports and refuses."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any

import httpx2
import pytest
from hypothesis import given, settings

from serving.urls import PROBES, urlpatterns
from tests.conformance import bodies
from tests.conformance.long_histories import seconds_for
from tests.conformance.losses import MODELS, NOTHING, Wire
from tests.conformance.refusals import REFUSED, Refused
from tests.conformance.reporting_gateway import CASES, ReportingGateway, reported, reporting_gateway
from tests.conformance.rewriting import rewritten, said_in, whole_replies
from tests.serving.fake_upstream import streaming, whole
from tests.serving.running import ROOT
from tests.serving.wires import ENDPOINTS, REPLIES, STREAMS
from tests.translation.answers import ANSWERS, stream_of, whole_of
from tests.translation.conversations import conversation
from tests.translation.relaying import MINIMAL, PAIRS, translation
from tests.translation.test_properties import HISTORIES, ROUNDS, asked, begins_with, bounded
from translation.translator import translate_reply

JSON = {"content-type": "application/json"}
EDITED: Mapping[str, str] = {
    "chat": '{"messages": [{"role":"user","content":"Grüße 東 \\u00e9"}],\n "seed":9223372036854775809 , "x":1.0,'
    ' "y":1, "model" :\t"MODEL","z":1e2}',
    "messages": '{"max_tokens":100 ,"messages": [{"role":"user","content":"Grüße 東 \\u00e9"}],\n'
    ' "n":9223372036854775809,"x":1.0, "y":1,  "model":"MODEL","z":1e2}',
    "responses": '{ "input":"Grüße 東 \\u00e9", "n":9223372036854775809,"x":1.0, "y":1,"model":"MODEL" ,"z":1e2}',
}
"""Requests whose bytes no parser and writer would give back, with a place for the model's name."""

each_shape = pytest.mark.parametrize("shape", ENDPOINTS)
each_pair = pytest.mark.parametrize(("client", "upstream"), PAIRS)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ReportingGateway]:
    """The gateway with a route to each shape, for each model of the tables."""
    with reporting_gateway(tmp_path_factory.mktemp("framework")) as gateway:
        yield gateway


def posted(served: ReportingGateway, shape: str, body: str | bytes, **headers: str) -> httpx2.Response:
    """Send bytes to a shape's endpoint."""
    content = body.encode() if isinstance(body, str) else body
    return served.http.post(ENDPOINTS[shape], content=content, headers={**JSON, **headers})


@each_shape
def test_request_of_the_same_shape_is_the_same_bytes(served: ReportingGateway, shape: str) -> None:
    """1. A request of the upstream's own shape reaches it byte for byte, but for the model's name behind an alias."""
    served.upstream.answer(whole(REPLIES[shape]))
    for name in (f"to-{shape}/plain", f"alias-{shape}"):
        assert posted(served, shape, EDITED[shape].replace("MODEL", name)).status_code == 200
        assert served.upstream.last.body == EDITED[shape].replace("MODEL", "plain").encode()
    sent = EDITED[shape].replace("MODEL", "plain")[:-1] + ', "stream": false}'
    assert posted(served, shape, sent.replace('"plain"', f'"to-{shape}/plain"')).status_code == 200
    assert served.upstream.last.body == sent.encode()


FUTURE = {
    "chat": (
        (
            b'{"model":"plain","future":1,"messages":[{"role":"user","future":2,"content":[{"type":"text","text":"a",'
            b'"future":3},{"type":"smell","future":4}]}]}'
        ),
        (
            b'{"choices":[{"index":0,"message":{"role":"assistant","content":"a","future":2},"finish_reason":"stop",'
            b'"future":[{"type":"smell"}]}],"future":1}'
        ),
    ),
    "messages": (
        (
            b'{"model":"plain","max_tokens":9,"future":1,"messages":[{"role":"user","future":2,"content":[{"type":"text",'
            b'"text":"a","future":3},{"type":"smell","future":4}]}]}'
        ),
        (
            b'{"type":"message","role":"assistant","content":[{"type":"text","text":"a","future":2},{"type":"smell"}],'
            b'"stop_reason":"future","future":1,"usage":{"input_tokens":1,"output_tokens":1,"future":3}}'
        ),
    ),
    "responses": (
        (
            b'{"model":"plain","future":1,"input":[{"role":"user","future":2,"content":[{"type":"input_text","text":"a",'
            b'"future":3},{"type":"smell","future":4}]},{"type":"smell"}]}'
        ),
        (
            b'{"object":"response","status":"future","output":[{"type":"message","content":[{"type":"smell"}],"future":2},'
            b'{"type":"smell"}],"future":1}'
        ),
    ),
}


@each_shape
def test_unknown_members_pass(served: ReportingGateway, shape: str) -> None:
    """2. Members, parts and items that nobody knows pass unharmed between a client and an upstream of one shape.

    They do at the top level, in messages and in parts, in requests as in replies.
    """
    request, reply = FUTURE[shape]
    served.upstream.answer(whole(reply))
    answer = posted(served, shape, request.replace(b'"plain"', b'"to-%b/plain"' % shape.encode()))
    assert served.upstream.last.body == request
    assert (answer.status_code, answer.content) == (200, reply)
    assert reported(answer) == ((), ())


ODD_STREAMS = {
    "chat": b': hello\n\ndata: {"choices":[],"future":1}\n\nevent: future\ndata: {}\n\n: waiting\n\nid: 7\nretry: 9\n\n'
    b'data:{"choices":[{"index":0,"delta":{"content":"\xe6\x9d\xb1"},"finish_reason":"stop"}]}\r\n\r\ndata: [DONE]\n\n',
    "messages": b'event: ping\ndata: {"type": "ping"}\n\nevent: future\ndata: {"type":"future"}\n\n: waiting\n\n'
    b'event: message_start\ndata: {"type":"message_start","message":{"usage":{"input_tokens":1,"output_tokens":1}}}\n\n'
    b'event: message_delta\ndata: {"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":2'
    b'}}\n\nevent: message_stop\ndata: {"type":"message_stop"}\n\n',
    "responses": b': hello\n\nevent: response.created\ndata: {"type":"response.created","response":{}}\n\n'
    b'event: response.future\ndata: {"type":"response.future","sequence_number":1}\n\nevent: keepalive\ndata: {}\n\n'
    b'event: response.completed\ndata: {"type":"response.completed","response":{"status":"completed","output":[]}}\n\n',
}


@each_shape
@pytest.mark.parametrize("cut", [0, 1, 7])
def test_stream_of_the_same_shape_is_the_same_bytes(served: ReportingGateway, shape: str, cut: int) -> None:
    """3. A stream of the client's own shape is the upstream's, byte for byte, comments and unknown events included."""
    served.upstream.answer(streaming(ODD_STREAMS[shape], cut=cut))
    body = EDITED[shape].replace("MODEL", f"to-{shape}/plain")[:-1] + ', "stream": true'
    options = ', "stream_options": {"include_usage": true}}' if shape == "chat" else "}"
    assert posted(served, shape, body + options).content == ODD_STREAMS[shape]


@each_shape
def test_edit_leaves_the_rest_of_the_body_alone(served: ReportingGateway, shape: str) -> None:
    """4. An edit of a body keeps the order of its members, integers beyond 64 bits, 1.0 beside 1, and every letter."""
    served.upstream.answer(whole(REPLIES[shape]))
    posted(served, shape, EDITED[shape].replace("MODEL", f"alias-{shape}"))
    sent = served.upstream.last.body
    assert list(json.loads(sent)) == list(json.loads(EDITED[shape]))
    for text in ("9223372036854775809", '"x":1.0', '"y":1,', '"z":1e2', "Grüße 東 \\u00e9", '"plain"'):
        assert text.encode() in sent


UPSTREAM_KEY = "upstream-key-of-openai"
LEAKS = [
    pytest.param(
        200, "x-upstream-key: upstream-key-of-openai\r\nset-cookie: k=upstream-key-of-openai\r\n", id="header"
    ),
    pytest.param(401, "", id="refused key"),
    pytest.param(403, "", id="forbidden key"),
    pytest.param(400, "", id="refused request"),
    pytest.param(500, "", id="failure"),
]


@pytest.mark.parametrize(("status", "extra"), LEAKS)
@pytest.mark.parametrize("upstream", ENDPOINTS)
@pytest.mark.parametrize("client", ENDPOINTS)
def test_keys_stay_on_their_side(served: ReportingGateway, client: str, upstream: str, status: int, extra: str) -> None:
    """7. No upstream sees a client's key, and no client sees an upstream's, whatever the upstream answers."""
    error = {"error": {"message": f"Incorrect API key provided: {UPSTREAM_KEY}", "type": "invalid_request_error"}}
    body = REPLIES[upstream] if status == 200 else json.dumps({"type": "error", **error}).encode()
    served.upstream.answer(whole(body, status=status, extra=extra))
    given = {"authorization": f"Bearer {served.key}", "x-api-key": served.key, "cookie": f"k={served.key}"}
    asked = EDITED[client].replace("MODEL", f"to-{upstream}/plain").replace("9223372036854775809", "1")
    answer = posted(served, client, asked, **given)
    got = served.upstream.last
    assert UPSTREAM_KEY in str(got.headers)
    assert served.key not in f"{got.path} {got.headers} {got.body!r}"
    assert UPSTREAM_KEY not in f"{answer.headers} {answer.text}"


ROUTES = [
    ("GET" if "models" in route or "<" in route else "POST", "/" + re.sub("<.*>", "plain", route))
    for route in (str(known.pattern) for known in urlpatterns if known not in PROBES)
]
"""Every route of the API, with a method that it takes."""


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_both_kinds_of_key_open_every_route(served: ReportingGateway, method: str, path: str) -> None:
    """8. A bearer token and an `x-api-key` open every route; of the two on a Messages route `x-api-key` counts."""

    def status(**headers: str) -> int:
        return httpx2.request(method, served.gateway.url + path, json={}, headers=headers).status_code

    assert status() == status(authorization="Bearer wrong") == status(**{"x-api-key": "wrong"}) == 401
    assert status(authorization=f"Bearer {served.key}") != 401
    assert status(**{"x-api-key": served.key}) != 401
    if path.startswith("/v1/messages"):
        assert status(authorization="Bearer wrong", **{"x-api-key": served.key}) != 401
        assert status(authorization=f"Bearer {served.key}", **{"x-api-key": "wrong"}) == 401


def test_same_request_is_the_same_bytes() -> None:
    """9. A request becomes the same bytes each time and in every process, in all six directions.

    A thousand generated requests of each client are translated twice here and once each in two other processes.
    """
    here = {pair: bodies.digest(*pair) for pair in PAIRS}
    assert here == {pair: bodies.digest(*pair) for pair in PAIRS}
    command = [sys.executable, "-m", "tests.conformance.bodies"]
    for seed in ("1", "2"):
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        there = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
        assert {(client, up): found for client, up, found in map(str.split, there.stdout.splitlines())} == here


@each_pair
@settings(bounded, max_examples=15)
@given(rounds=ROUNDS)
def test_longer_history_begins_with_the_shorter(client: str, upstream: str, rounds: list[Any]) -> None:
    """10. What an upstream got of a history stays as it was when the history grows, in all six directions.

    Only the last turn of the user's may gain parts at its end; instructions and tools stay as well.
    """
    sent = [json.loads(asked(client, upstream, point).body) for point in HISTORIES[client](rounds)]
    for shorter, longer in pairwise(sent):
        *before, last = conversation(upstream, shorter)
        after = conversation(upstream, longer)
        assert after[: len(before)] == before
        assert begins_with(after[len(before)], last)
        for member in ("system", "instructions", "tools"):
            assert shorter.get(member) == longer.get(member)


@pytest.mark.parametrize(
    ("shape", "row"),
    [pytest.param(shape, row.values[0], id=f"{shape} {row.id}") for shape in ENDPOINTS for row in whole_replies(shape)]
    or [pytest.param("", {}, marks=pytest.mark.skip(reason="the recordings are not there"))],
)
def test_recorded_reply_is_itself_again(shape: str, row: dict[str, Any]) -> None:
    """11. A recorded reply, read and written again in its own shape, says the same in the same order.

    Words, calls with their exact arguments, thoughts with their state, the reason to stop and the counts are equal.
    """
    assert said_in(shape, rewritten(shape, row)) == said_in(shape, row["response"])


@each_pair
@pytest.mark.parametrize("name", ANSWERS)
def test_collected_stream_is_the_whole_reply(client: str, upstream: str, name: str) -> None:
    """12. A stream that is collected becomes the very reply that the same answer in one piece becomes."""
    relay = asked(client, upstream)
    collected = translate_reply(stream_of(upstream, ANSWERS[name]), relay, streamed=True)
    assert json.loads(collected.body) == json.loads(translate_reply(whole_of(upstream, ANSWERS[name]), relay).body)


ODD_ENDS = {
    "chat": (b'"finish_reason":"stop"', b'"finish_reason":"future"', "reply:choices[0].finish_reason"),
    "messages": (b'"stop_reason":"end_turn"', b'"stop_reason":"future"', "reply:stop_reason"),
    "responses": (b'"status":"completed","model"', b'"status":"future","model"', "reply:status"),
}
"""An end of each upstream's replies, one that nobody knows, and the path where that is told."""


def odd_replies(served: ReportingGateway, client: str, upstream: str) -> list[httpx2.Response]:
    """Return the answers when the upstream ends in a way that nobody knows: in one piece, and in a stream."""
    known, odd, _ = ODD_ENDS[upstream]
    compact = json.dumps(json.loads(REPLIES[upstream]), separators=(",", ":")).encode()
    scripts = [whole(compact.replace(known, odd)), streaming(STREAMS[upstream].replace(known, odd))]
    answers = []
    for script, stream in zip(scripts, (False, True), strict=True):
        assert odd in b"".join(step for step in script if isinstance(step, bytes))
        served.upstream.answer(script)
        wire = {**MINIMAL[client], "stream": stream}
        answers.append(served.post(client, wire, f"to-{upstream}/{MODELS[upstream]}"))
    return answers


@each_pair
def test_losses_are_told(served: ReportingGateway, client: str, upstream: str) -> None:
    """13. The headers and the log name every member that is dropped or changed on its way, and nothing else."""
    served.upstream.answer(whole(REPLIES[upstream]))
    cases = [case for case in CASES if (case.client, case.upstream) == (client, upstream)]
    answers = [served.post(client, case.wire, f"to-{upstream}/{case.model}") for case in cases]
    told_of = {case.name: (answer.status_code, *reported(answer)) for case, answer in zip(cases, answers, strict=True)}
    assert {case.name: told_of[case.name] for case in cases if told_of[case.name] != (200, *case.lost)} == {}
    for case, line in zip(cases, served.logged(answers), strict=True):
        told = {what: line[what] for what in ("dropped", "coerced") if what in line}
        paths = {"dropped": ",".join(case.lost.dropped), "coerced": ",".join(case.lost.coerced)}
        assert told == {what: text for what, text in paths.items() if text}, case.name
    lossy = odd_replies(served, client, upstream)
    assert [reported(answer) for answer in lossy] == [((), (ODD_ENDS[upstream][2],)), ((), ())]
    assert [line.get("coerced") for line in served.logged(lossy)] == [ODD_ENDS[upstream][2]] * 2


@each_pair
def test_strict_mode_refuses_every_loss(served: ReportingGateway, client: str, upstream: str) -> None:
    """14. In strict mode each loss, change and unknown member is a 400 that names its path, and nothing is sent."""
    cases = [case for case in CASES if (case.client, case.upstream) == (client, upstream)]
    lossy = [case for case in cases if case.lost != NOTHING]
    for case in lossy:
        answer = served.post(client, case.wire, f"never-{upstream}/{case.model}", **{"x-gateway-strict": "1"})
        paths = [path.partition("=")[0] for path in (*case.lost.dropped, *case.lost.coerced)]
        error = answer.json()["error"]
        assert (answer.status_code, [path for path in paths if path not in error["message"]]) == (400, []), case.name
        assert client == "messages" or error["param"] == paths[0].removeprefix("unknown:"), case.name
    assert (served.never.connections, served.never.requests) == (0, [])
    served.upstream.answer(whole(REPLIES[upstream]))
    for case in cases:
        if case.lost == NOTHING:
            answer = served.post(client, case.wire, f"to-{upstream}/{case.model}", **{"x-gateway-strict": "1"})
            assert answer.status_code == 200, case.name


@pytest.mark.parametrize("case", REFUSED, ids=[case.name for case in REFUSED])
def test_what_must_not_be_lost_is_refused(served: ReportingGateway, case: Refused) -> None:
    """15. What may never be lost is refused with a 400 that names it, before a connection to an upstream is opened.

    This is whatever would change what the answer is, who reads it, where it is computed, or who pays.
    """
    answer = served.post(case.client, case.wire, f"never-{case.upstream}/{MODELS[case.upstream]}")
    error = answer.json()["error"]
    assert (answer.status_code, error["type"]) == (400, "invalid_request_error")
    if case.client == "messages":
        dotted = case.at.replace("[", ".").replace("]", "")
        assert case.at in error["message"] or dotted in error["message"]
    else:
        assert error["param"] == case.at
    if "thread" in case.name:
        assert error["details"] == {"error_code": "thread_unsupported_request"}
    assert (served.never.connections, served.never.requests) == (0, [])


SECRET = "canary-of-the-client"
EVIL = "a\r\nset-cookie: é"
LONG: Mapping[str, Wire] = {
    "chat": {
        EVIL: 1,
        "messages": [{"role": "user", "content": SECRET, "name": SECRET} for _ in range(400)],
        "metadata": {SECRET: SECRET},
        "logit_bias": {SECRET: 1},
        "temperature": 1.6,
    },
    "messages": {
        EVIL: 1,
        "messages": [{"role": "user", "content": [{"type": "text", "text": SECRET, "future": SECRET}] * 400}],
        "container": SECRET,
        "max_tokens": 5,
    },
    "responses": {
        EVIL: 1,
        "input": [{"role": "user", "content": SECRET, "future": SECRET} for _ in range(400)],
        "client_metadata": {SECRET: SECRET},
        "temperature": 1.6,
    },
}
CHANGED: Mapping[str, str] = {
    "chat>messages": "temperature=1.6>1.0",
    "responses>messages": "temperature=1.6>1.0",
    "messages>responses": "max_tokens=5>16",
}


@each_pair
def test_reports_are_short_and_tell_no_values(served: ReportingGateway, client: str, upstream: str) -> None:
    """16. A report header has at most 1 KiB and says how many more there are; of values it tells only numbers."""
    served.upstream.answer(whole(REPLIES[upstream]))
    answer = served.post(client, LONG[client], f"to-{upstream}/{MODELS[upstream]}")
    dropped, coerced = reported(answer)
    assert 900 < len(answer.headers["x-gateway-dropped"]) <= 1024
    assert dropped[-1].startswith("+")
    assert len(dropped) - 1 + int(dropped[-1]) == len(
        translation(client, {**MINIMAL[client], **LONG[client]}, MODELS[upstream], upstream=upstream).dropped
    )
    assert coerced == tuple(filter(None, [CHANGED.get(f"{client}>{upstream}")]))
    assert SECRET not in str(answer.headers)
    assert "unknown:a??set-cookie: \\xe9" in dropped
    (line,) = served.logged([answer])
    assert line["dropped"] == answer.headers["x-gateway-dropped"]
    assert "set-cookie" not in answer.headers


@each_pair
def test_long_history_takes_time_in_proportion(client: str, upstream: str) -> None:
    """23. A history of 100,000 messages takes no more time for each than one of 2,000, in all six directions."""
    short, long = 2_000, 100_000
    for_each_of_few = seconds_for(client, upstream, short, tries=5) / short
    assert seconds_for(client, upstream, long, tries=1) / long < 2.5 * for_each_of_few
