"""Whole Response objects: what they tell, and which of them are no replies."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from tests.translation.responses.upstream.asking import call, message, translation
from translation.events import Start, StopReason
from translation.failures import FailureKind, UpstreamProtocolError
from translation.reply import Reply
from translation.shapes.responses.upstream.reply import decode_reply
from translation.translator import translate_reply


def decoded(**members: Any) -> Reply:
    """Return the reply that a Response object with these members is."""
    return decode_reply({"object": "response", **members}, translation().exchange)


def test_frame_and_parts_are_read() -> None:
    """A response is its frame, its parts in order and why it ended."""
    output = [message("a", "b"), call("c", "f", "{}")]
    reply = decoded(id="resp_1", model="m-1", created_at=17, status="completed", service_tier="flex", output=output)
    assert reply.start == Start("resp_1", "m-1", 17, "flex")
    assert [part.text for part in reply.parts] == ["a", "b", "{}"]
    assert reply.finish.reason is StopReason.TOOL_CALLS


def test_status_may_be_missing() -> None:
    """A vendor that says no status means a complete reply."""
    assert decoded(output=[message("a")]).finish.reason is StopReason.END


@pytest.mark.parametrize(
    ("code", "status", "kind"),
    [
        ("rate_limit_exceeded", 429, FailureKind.RATE_LIMIT),
        ("server_error", 500, FailureKind.SERVER),
        ("invalid_prompt", 400, FailureKind.INVALID_REQUEST),
        ("invalid_image_url", 400, FailureKind.INVALID_REQUEST),
        ("image_too_large", 400, FailureKind.INVALID_REQUEST),
        ("vector_store_timeout", 504, FailureKind.TIMEOUT),
        ("brand_new", 502, FailureKind.SERVER),
    ],
)
def test_failed_response_has_the_status_of_its_code(code: str, status: int, kind: FailureKind) -> None:
    """A failure in a body that came with 200 is the upstream's failure, with its words."""
    with pytest.raises(UpstreamProtocolError) as caught:
        decoded(status="failed", error={"code": code, "message": "Boom."}, output=[message("half")])
    failure = caught.value.failure
    assert (failure.status, failure.kind, failure.code, failure.message) == (status, kind, code, "Boom.")


@pytest.mark.parametrize(
    ("members", "status"),
    [
        ({"status": "queued", "output": []}, 502),
        ({"status": "in_progress", "output": []}, 502),
        ({"status": "cancelled", "output": []}, 499),
        ({"status": "failed", "error": None}, 502),
        ({"status": "completed"}, 502),
        ({"status": "completed", "output": "hi"}, 502),
        ({"choices": []}, 502),
        ({"error": {"message": "Boom.", "code": "server_error"}}, 500),
    ],
)
def test_body_that_is_no_reply_is_a_failure(members: dict[str, Any], status: int) -> None:
    """What is no finished response never becomes a reply."""
    with pytest.raises(UpstreamProtocolError) as caught:
        decoded(**members)
    assert caught.value.failure.status == status


def test_refusal_reaches_a_messages_client_as_one() -> None:
    """A refusal is text with its own stop reason, although the upstream calls the response completed."""
    output = [{"type": "message", "role": "assistant", "content": [{"type": "refusal", "refusal": "No."}]}]
    body = msgspec.json.encode({"status": "completed", "output": output})
    reply = msgspec.json.decode(translate_reply(body, translation("messages")).body)
    assert (reply["stop_reason"], reply["content"]) == ("refusal", [{"type": "text", "text": "No."}])
