"""Requests of chat clients to upstreams that speak Messages."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

from tests.conformance.asking_messages import HELLO, ROUTES, calling, refused, relay, result, sent, turns
from tests.serving.fake_upstream import FakeUpstream, whole
from tests.serving.running import RunningGateway
from tests.serving.wires import MESSAGES_REPLY

Wire = dict[str, Any]

SONNET_4_5, OPUS_4_6, OPUS_4_7, OPUS_4_8 = "claude-sonnet-4-5", "claude-opus-4-6", "claude-opus-4-7", "claude-opus-4-8"
SONNET_5 = "claude-sonnet-5"


@pytest.fixture(scope="module")
def client(upstream: FakeUpstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx2.Client]:
    """A plain client of a gateway in front of it."""
    routes = ROUTES.format(url=upstream.url)
    folder = tmp_path_factory.mktemp("gateway")
    with RunningGateway(folder, routes) as gateway, httpx2.Client(base_url=gateway.url, timeout=15) as http:
        yield http


def test_leading_instructions() -> None:
    """40. The leading run of system and developer messages becomes the system array, one block per part in the same
    order, and later instructions stay where they are.
    """
    parts = [{"type": "text", "text": "Be"}, {"type": "text", "text": " brief.\n"}]
    body = sent(
        {"role": "system", "content": "A."},
        {"role": "developer", "content": parts},
        {"role": "user", "content": "hi"},
        {"role": "system", "content": "Late."},
    )
    assert body["system"] == [{"type": "text", "text": text} for text in ("A.", "Be", " brief.\n")]
    assert turns(body) == [("user", ["hi"]), ("system", ["Late."])]


@pytest.mark.parametrize(
    ("model", "history", "expected"),
    [
        (OPUS_4_8, "us", [("user", ["u"]), ("system", ["s"])]),
        (OPUS_4_8, "usau", [("user", ["u"]), ("system", ["s"]), ("assistant", ["a"]), ("user", ["u"])]),
        (OPUS_4_8, "uas", [("user", ["u"]), ("assistant", ["a"]), ("user", ["<s>"])]),
        (OPUS_4_8, "uasu", [("user", ["u"]), ("assistant", ["a"]), ("user", ["<s>", "u"])]),
        (SONNET_5, "us", [("user", ["u", "<s>"])]),
        (SONNET_5, "uasu", [("user", ["u"]), ("assistant", ["a"]), ("user", ["<s>", "u"])]),
    ],
)
def test_late_instruction(model: str, history: str, expected: list[Any]) -> None:
    """41. A later system message stays a system message behind a user turn where the model takes one there; on other
    models and behind an assistant turn it is a tagged text of the user's, at the same place.
    """
    roles = {"u": "user", "s": "system", "a": "assistant"}
    body = sent(*[{"role": roles[letter], "content": letter} for letter in history], model=model)
    tagged = "<system-reminder>s</system-reminder>"
    assert turns(body) == [(role, [tagged if text == "<s>" else text for text in texts]) for role, texts in expected]


def test_late_instructions_in_a_row() -> None:
    """42. Later system and developer messages in a row become one system message."""
    late = [{"role": role, "content": text} for role, text in (("system", "1"), ("developer", "2"), ("system", "3"))]
    body = sent({"role": "user", "content": "hi"}, *late, model=OPUS_4_8)
    assert turns(body) == [("user", ["hi"]), ("system", ["1", "2", "3"])]


def test_user_messages_in_a_row() -> None:
    """43. User messages in a row become one, with all parts in order."""
    image = {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}
    body = sent(
        {"role": "user", "content": "1"},
        {"role": "user", "content": [{"type": "text", "text": "2"}, image]},
        {"role": "user", "content": "3"},
    )
    block = {"type": "image", "source": {"type": "url", "url": "https://example.com/a.png"}}
    assert turns(body) == [("user", ["1", "2", block, "3"])]


def test_calls_without_text() -> None:
    """44. An assistant message with calls and null content becomes tool_use blocks and nothing else."""
    body = sent({"role": "user", "content": "hi"}, calling(("c1", "add", '{"a":1}')), result("c1"))
    use = {"type": "tool_use", "id": "c1", "name": "add", "input": {"a": 1}}
    assert turns(body)[1] == ("assistant", [use])


@pytest.mark.parametrize("order", ["abc", "cab", "bca"])
def test_results_in_any_order(order: str) -> None:
    """45. Tool messages in any order become tool_results in the order of the calls, in one user message, before the
    text of the user that follows.
    """
    calls = calling(*[(letter, "add", "{}") for letter in "abc"])
    results = [result(letter, f"of {letter}") for letter in order]
    body = sent({"role": "user", "content": "hi"}, calls, *results, {"role": "user", "content": "so?"})
    expected = [{"type": "tool_result", "tool_use_id": letter, "content": f"of {letter}"} for letter in "abc"]
    assert turns(body)[2:] == [("user", [*expected, "so?"])]


@pytest.mark.parametrize(
    ("messages", "param", "words"),
    [
        ([calling(("a", "add", "{}"), ("b", "add", "{}")), result("a")], "messages[1].tool_calls[1]", "messages: b"),
        ([calling(("a", "add", "{}"))], "messages[1].tool_calls[0]", "did not have response messages: a"),
        ([result("a")], "messages[1].role", "must be a response"),
        ([calling(("a", "add", "{}")), result("b"), result("a")], "messages[2].role", "must be a response"),
    ],
)
def test_results_that_do_not_match(messages: list[Wire], param: str, words: str) -> None:
    """46. A call without its tool message, and a tool message without its call, are answered with 400 in the words of
    the client's own API.
    """
    error = refused(messages=[{"role": "user", "content": "hi"}, *messages])
    assert (error["param"], error["type"]) == (param, "invalid_request_error")
    assert words in error["message"]


@pytest.mark.parametrize(
    ("arguments", "given"),
    [("", {}), (" \n", {}), ("[1]", {"INVALID_JSON": "[1]"}), ('{"a":', {"INVALID_JSON": '{"a":'})],
)
def test_arguments_that_are_no_object(arguments: str, given: Wire) -> None:
    """47. Empty arguments of a call in the history become an empty object, and those that are no JSON object stand as a
    string under INVALID_JSON.
    """
    body = sent({"role": "user", "content": "hi"}, calling(("c1", "add", arguments)), result("c1"))
    assert turns(body)[1][1][0]["input"] == given


@pytest.mark.parametrize("arguments", ['{"z":1.0,"a":1e2,"n":12345678901234567890123}', '{ "b" : "\\u00e9", "a":null}'])
def test_arguments_as_they_were(arguments: str) -> None:
    """48. The arguments of a call in the history reach the upstream unchanged, the form of numbers and the order of
    keys included.
    """
    wire = {"messages": [{"role": "user", "content": "hi"}, calling(("c1", "add", arguments)), result("c1")]}
    assert b'"input":' + arguments.encode() in relay(wire).body


@pytest.mark.parametrize("call_id", ["functions.add:0", "a.b", "resp_1:call_2", "x" * 65, ""])
def test_ids_that_the_wire_does_not_take(call_id: str) -> None:
    """49. Call ids with other characters than letters, digits, _ and -, or of more than 64 characters, are rewritten,
    in call and result alike and always the same; others stay.
    """
    history = [{"role": "user", "content": "hi"}, calling((call_id, "add", "{}"), ("ok_1-A", "add", "{}"))]
    history += [result("ok_1-A"), result(call_id)]
    said, heard = (blocks for _, blocks in turns(sent(*history))[1:])
    assert [block["tool_use_id"] for block in heard] == [block["id"] for block in said]
    assert said[0]["id"] != call_id
    assert said[0]["id"].startswith("tc_")
    assert said[1]["id"] == "ok_1-A"
    assert sent(*history) == sent(*history)


def test_ids_that_come_again() -> None:
    """50. A call id that comes again in the history is renamed, in call and result alike: every id is unique."""
    again = [calling(("c1", "add", "{}")), result("c1", "first"), calling(("c1", "add", "{}")), result("c1", "second")]
    body = sent({"role": "user", "content": "hi"}, *again)
    blocks = [blocks[0] for _, blocks in turns(body)[1:]]
    assert [block.get("id") or (block["tool_use_id"], block["content"]) for block in blocks] == [
        "c1",
        ("c1", "first"),
        "c1_r2",
        ("c1_r2", "second"),
    ]


PIXEL = base64.b64encode(b"\x89PNG").decode()


def image(url: str, **members: str) -> list[Wire]:
    """Return a user message with an image."""
    return [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": url, **members}}]}]


def test_images() -> None:
    """51. An image in a data URL becomes a base64 source and one on the web a url source; a type that Claude does not
    read is answered with 400, and a wish for detail is reported.
    """
    (held,) = turns(sent(*image(f"data:image/PNG;base64,{PIXEL}")))[0][1]
    assert held["source"] == {"type": "base64", "media_type": "image/png", "data": PIXEL}
    detailed = relay({"messages": image("https://example.com/a.png", detail="high")})
    (linked,) = turns(json.loads(detailed.body))[0][1]
    assert linked["source"] == {"type": "url", "url": "https://example.com/a.png"}
    assert detailed.dropped == ("messages[0].content[0].image_url.detail",)
    assert refused(messages=image("data:image/bmp;base64,Qk0="))["param"] == "messages[0].content[0]"


def test_files() -> None:
    """52. A PDF becomes a document with its file name as title; a file id and recorded sound are answered with 400."""

    def part(kind: str, **members: str) -> list[Wire]:
        return [{"role": "user", "content": [{"type": kind, kind: members}]}]

    (document,) = turns(sent(*part("file", file_data="data:application/pdf;base64,JVBERg==", filename="a.pdf")))[0][1]
    source = {"type": "base64", "media_type": "application/pdf", "data": "JVBERg=="}
    assert document == {"type": "document", "source": source, "title": "a.pdf"}
    for messages in (part("file", file_id="file-1"), part("input_audio", data="AAAA", format="wav")):
        assert refused(messages=messages)["param"] == "messages[0].content[0]"


@pytest.mark.parametrize(
    ("model", "members", "limit"),
    [
        ("claude-opus-4-1", {}, 32_000),
        (SONNET_4_5, {}, 64_000),
        (OPUS_4_8, {}, 128_000),
        ("qwen3-coder", {}, 4096),
        (OPUS_4_8, {"max_tokens": 5}, 5),
        (OPUS_4_8, {"max_completion_tokens": 7}, 7),
        (OPUS_4_8, {"max_tokens": 5, "max_completion_tokens": 7}, 7),
    ],
)
def test_output_limit(model: str, members: Wire, limit: int) -> None:
    """53. Without a limit max_tokens is the most that the model can write, and max_completion_tokens wins over the
    deprecated max_tokens.
    """
    assert sent(model=model, **members)["max_tokens"] == limit


def test_temperature(client: httpx2.Client, upstream: FakeUpstream) -> None:
    """54. A temperature above 1 becomes 1 on Claude 4.6 and is dropped from Claude 4.7 on, and a header of the reply
    says which of the two.
    """
    upstream.answer(whole(MESSAGES_REPLY))
    for model, reached, header, report in (
        (OPUS_4_6, 1.0, "x-gateway-coerced", "temperature=1.6>1.0"),
        (OPUS_4_7, None, "x-gateway-dropped", "temperature"),
        (SONNET_5, None, "x-gateway-dropped", "temperature"),
    ):
        asked = {"model": model, "temperature": 1.6, "messages": [{"role": "user", "content": "hi"}]}
        answer = client.post("/v1/chat/completions", json=asked)
        assert answer.status_code == 200
        assert json.loads(upstream.last.body).get("temperature") == reached
        assert answer.headers[header] == report


def test_temperature_beside_top_p() -> None:
    """55. Of temperature and top_p on Claude 4.5, which takes one of them, temperature is kept and top_p reported."""
    told = relay({"temperature": 0.5, "top_p": 0.9}, SONNET_4_5)
    body = json.loads(told.body)
    assert (body["temperature"], "top_p" in body, told.dropped) == (0.5, False, ("top_p",))


@pytest.mark.parametrize(
    ("stop", "sequences", "dropped"),
    [
        ("END", ["END"], ()),
        (["a", "b"], ["a", "b"], ()),
        (["\n", "a", "  "], ["a"], ("stop",)),
        (" ", None, ("stop",)),
    ],
)
def test_stop_sequences(stop: Any, sequences: list[str] | None, dropped: tuple[str, ...]) -> None:
    """56. A stop string becomes an array, and one of white space only is dropped and reported."""
    told = relay({"stop": stop})
    assert json.loads(told.body).get("stop_sequences") == sequences
    assert told.dropped == dropped


def test_number_of_choices() -> None:
    """57. More than one choice is answered with 400; one choice is what there is."""
    assert refused(n=2)["param"] == "n"
    assert "n" not in sent(n=1)


def test_empty_text() -> None:
    """66. Empty texts vanish from every message, and a user turn that has nothing else is answered with 400."""
    blank = [{"type": "text", "text": text} for text in ("", "a", " \n")]
    body = sent(
        {"role": "system", "content": ""},
        {"role": "user", "content": blank},
        {"role": "assistant", "content": ""},
        {"role": "user", "content": blank},
    )
    assert "system" not in body
    assert turns(body) == [("user", ["a", "a"])]
    error = refused(messages=[{"role": "user", "content": [blank[0], blank[2]]}])
    assert "text content blocks must be non-empty" in error["message"]
    assert error["param"] == "messages[0]"


def test_words_to_go_on_from() -> None:
    """67. A trailing assistant message keeps its place and its words but for white space at their end, and is reported
    where the model takes none; no user message is invented.
    """
    history = [*HELLO, {"role": "assistant", "content": "Once upon \n "}]
    taken, refusing = relay({"messages": history}, SONNET_4_5), relay({"messages": history}, OPUS_4_8)
    for told in (taken, refusing):
        assert turns(json.loads(told.body)) == [("user", ["hi"]), ("assistant", ["Once upon"])]
    assert (taken.coerced, refusing.coerced) == ((), ("prefill",))


def test_version(client: httpx2.Client, upstream: FakeUpstream) -> None:
    """69. A translated request carries anthropic-version 2023-06-01, whatever the client sends."""
    upstream.answer(whole(MESSAGES_REPLY))
    for headers in ({}, {"anthropic-version": "2026-10-21"}):
        asked = {"model": OPUS_4_6, "messages": HELLO}
        assert client.post("/v1/chat/completions", json=asked, headers=headers).status_code == 200
        assert upstream.last.headers["anthropic-version"] == "2023-06-01"
