"""The Response object: a whole reply on the responses wire, and the frame of one that streams."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from translation.events import Finish, PartKind, Start, StopReason, Usage
from translation.exchange import Exchange
from translation.failures import Failure
from translation.hub import Wire
from translation.reply import Reply, ReplyPart
from translation.shapes.openai_errors import error_object
from translation.shapes.responses.output_items import encode_output

_CUT_SHORT = {
    StopReason.MAX_TOKENS: "max_output_tokens",
    StopReason.CONTEXT_WINDOW: "max_output_tokens",
}
_UNEXPLAINED = "Refused."


def encode_reply(reply: Reply, exchange: Exchange) -> Wire:
    """Return the whole reply as a Response object."""
    output = encode_output(reply.parts, exchange)
    if explanation := unsaid_refusal(reply.finish, output):
        refusal = ReplyPart(kind=PartKind.REFUSAL, text=explanation)
        output = encode_output((*reply.parts, refusal), exchange)
    return finished(begun(reply.start, exchange), output, reply.finish, reply.usage, exchange)


def begun(start: Start, exchange: Exchange) -> Wire:
    """Return the Response object of a reply that has begun: the request's settings repeated, nothing said yet."""
    echo = exchange.request.echo
    return {
        "id": exchange.reply_id("resp_", start.id),
        "object": "response",
        "created_at": start.created or exchange.now,
        "status": "in_progress",
        "background": False,
        "completed_at": None,
        "error": None,
        "incomplete_details": None,
        "instructions": echo.get("instructions"),
        "max_output_tokens": echo.get("max_output_tokens"),
        "max_tool_calls": echo.get("max_tool_calls"),
        "model": exchange.model_shown or start.model,
        "output": [],
        "parallel_tool_calls": _given(echo.get("parallel_tool_calls"), True),
        "previous_response_id": echo.get("previous_response_id"),
        "prompt_cache_key": echo.get("prompt_cache_key"),
        "reasoning": {"effort": None, "summary": None, **(echo.get("reasoning") or {})},
        "safety_identifier": echo.get("safety_identifier"),
        "service_tier": start.service_tier or echo.get("service_tier"),
        "store": _given(echo.get("store"), True),
        "temperature": _given(echo.get("temperature"), 1.0),
        "text": {"format": {"type": "text"}, **(echo.get("text") or {})},
        "tool_choice": _given(echo.get("tool_choice"), "auto"),
        "tools": _given(echo.get("tools"), []),
        "top_logprobs": _given(echo.get("top_logprobs"), 0),
        "top_p": _given(echo.get("top_p"), 1.0),
        "truncation": "disabled",
        "usage": None,
        "user": echo.get("user"),
        "metadata": _given(echo.get("metadata"), {}),
    }


def _given(value: Any, default: Any) -> Any:
    return default if value is None else value


def finished(response: Wire, output: list[Wire], finish: Finish, usage: Usage | None, exchange: Exchange) -> Wire:
    """Return the Response object of a reply that the model has ended, completed or incomplete."""
    if finish.reason is StopReason.PAUSE:
        # The wire has no word for a turn that is to be taken up again.
        exchange.lost.coerce("reply:stop_reason", finish.reason.value, "completed")
    reason = _incomplete_reason(finish, output)
    ended: Wire = {"status": "incomplete", "incomplete_details": {"reason": reason}}
    if reason is None:
        ended = {"status": "completed", "completed_at": exchange.now}
    wire = response | ended | {"output": output, "usage": None if usage is None else encode_usage(usage)}
    if usage is not None and usage.web_searches:
        wire["tool_usage"] = _tool_usage(usage.web_searches)
    return wire


def failed(response: Wire, output: list[Wire], failure: Failure) -> Wire:
    """Return the Response object of a reply that broke off, with the output so far."""
    error = error_object(failure)
    reported = {"code": error["code"] or "server_error", "message": error["message"]}
    return response | {"status": "failed", "error": reported, "output": output}


def unsaid_refusal(finish: Finish, output: Sequence[Wire]) -> str:
    """Return the explanation of a refusal if the model said nothing else: then it is the answer. Else ""."""
    if finish.reason is not StopReason.REFUSAL or finish.detail is None or _said(output):
        return ""
    return finish.detail or _UNEXPLAINED


def _incomplete_reason(finish: Finish, output: Sequence[Wire]) -> str | None:
    if finish.reason is StopReason.REFUSAL and not _is_refusal(output):
        return "content_filter"
    return _CUT_SHORT.get(finish.reason)


def _is_refusal(output: Sequence[Wire]) -> bool:
    """Tell a reply that is a refusal, which is complete, from one that was cut off by a filter."""
    said = _said(output)
    return bool(said) and all(
        item["type"] == "message" and all(part["type"] == "refusal" for part in item["content"]) for item in said
    )


def _said(output: Sequence[Wire]) -> list[Wire]:
    """Return the items that answer: neither thoughts nor what the provider looked up."""
    return [item for item in output if item["type"] not in ("reasoning", "web_search_call")]


def encode_usage(usage: Usage) -> Wire:
    """Return the counts as the `usage` of a Response object; the SDK requires every detail to be an integer."""
    return {
        "input_tokens": usage.prompt_tokens,
        "input_tokens_details": {
            "cached_tokens": usage.cache_read_tokens,
            "cache_write_tokens": usage.cache_write_tokens,
        },
        "output_tokens": usage.output_tokens,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning_tokens or 0},
        "total_tokens": usage.prompt_tokens + usage.output_tokens,
    }


def _tool_usage(web_searches: int) -> Wire:
    return {
        "image_gen": {
            "input_tokens": 0,
            "input_tokens_details": {"image_tokens": 0, "text_tokens": 0},
            "output_tokens": 0,
            "total_tokens": 0,
        },
        "web_search": {"num_requests": web_searches},
    }
