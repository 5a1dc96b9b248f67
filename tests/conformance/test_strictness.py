"""What a translation reports, member by member: the breadth behind the statements about losses and strict mode."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterable

import pytest
from anthropic.types.beta import message_create_params as beta_message_params
from anthropic.types.message_create_params import MessageCreateParamsBase
from openai.types.chat.completion_create_params import CompletionCreateParamsBase
from openai.types.responses.response_create_params import ResponseCreateParamsBase

from tests.conformance.bodies import Way, at, places
from tests.conformance.losses import Case, Lost, Wire
from tests.conformance.reporting_gateway import CASES
from tests.translation.relaying import translation
from translation.failures import RequestRefused
from translation.shapes.chat.client.request import MEMBERS as CHAT_MEMBERS
from translation.shapes.messages.request import DROPPED, READ, REFUSED
from translation.shapes.responses.request import MEMBERS as RESPONSES_MEMBERS


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_translation_reports_what_is_lost(case: Case) -> None:
    """Each row of the tables: the paths in the client's body that are dropped or changed, and no others."""
    made = translation(case.client, case.wire, case.model, upstream=case.upstream)
    assert Lost(made.dropped, made.coerced) == case.lost


OFFICIAL = {
    "chat": (CompletionCreateParamsBase, CHAT_MEMBERS),
    "messages": (MessageCreateParamsBase, (*READ, *DROPPED, *REFUSED)),
    "messages, beta": (beta_message_params.MessageCreateParamsBase, (*READ, *DROPPED, *REFUSED)),
    "responses": (ResponseCreateParamsBase, RESPONSES_MEMBERS),
}
HEADERS = {"betas", "user_profile_id", "workspace_id"}
"""Arguments of the official clients that they send as headers."""


@pytest.mark.parametrize("name", OFFICIAL)
def test_every_member_of_the_official_client_has_a_fate(name: str) -> None:
    """No member that the official clients can send is a stranger: it is read, dropped, or refused by a rule."""
    official, known = OFFICIAL[name]
    assert _members(official) - HEADERS - {member.partition(".")[0] for member in known} == set()


def _members(official: type) -> set[str]:
    declared: Iterable[type] = official.__mro__
    return {member for kind in declared for member in getattr(kind, "__annotations__", {})}


SILENT: dict[str, set[str]] = {
    "chat": {
        # What is so anyway, where it is not said.
        "n",
        "modalities",
        "stream_options",
        "stream_options.include_usage",
        "response_format",
        "response_format.json_schema.strict",
        "parallel_tool_calls",
        "tools[].type",
        "tools[].function.parameters",
        "tools[].function.parameters.type",
        "tool_choice.allowed_tools.tools[].type",
        "messages[].tool_calls[].type",
        "web_search_options.user_location.type",
        "messages[].annotations[].type",
        # There is one way to mark a part.
        "messages[].content[].prompt_cache_breakpoint.mode",
    },
    "messages": {
        "speed",
        "billing_policy",
        "billing_policy.bill_to",
        "thinking",
        "tools[].type",
        "tools[].input_schema.type",
        "messages[].content[].citations",
        "messages[].content[].content[].type",
        # The source is kept, its words are those of the text.
        "messages[].content[].citations[].cited_text",
        # Coding agents mark every request, and other providers cache by themselves.
        "messages[].content[].cache_control",
        "messages[].content[].cache_control.type",
    },
    "responses": {
        # The route knows its model.
        "model",
        # The reply shows sources and state, whether they are asked for or not.
        "include",
        "truncation",
        "access_programs",
        "access_programs.cyber",
        "parallel_tool_calls",
        "text",
        "text.format",
        "text.format.strict",
        "top_logprobs",
        "reasoning",
        "tools[].type",
        "tools[].parameters",
        "tools[].parameters.type",
        "tools[].tools[].type",
        "tools[].tools[].parameters",
        "tools[].tools[].parameters.type",
        # It is kept with the reply, and put back.
        "input[].phase",
        "input[].content[].prompt_cache_breakpoint.mode",
        "input[].content[].annotations[].start_index",
    },
}
"""Members, by client, that may go without a word: they ask for what is so anyway."""


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_nothing_is_lost_without_a_word(case: Case) -> None:
    """Each member of each request changes what the upstream gets, or is reported, or asks for what is so anyway."""
    made = _outcome(case, case.wire)
    told = [path.removeprefix("unknown:").partition("=")[0] for path in (*case.lost.dropped, *case.lost.coerced)]
    silent = set()
    for way in places(case.wire):
        path = _path(way)
        if isinstance(way[-1], int) or not at(case.wire, way) or any(_is_within(path, lost) for lost in told):
            continue
        if _outcome(case, _without(case.wire, way)) == made:
            silent.add(re.sub(r"\[\d+\]", "[]", path))
    assert silent - SILENT[case.client] == set()


def _outcome(case: Case, wire: Wire) -> object:
    """Return what becomes of a request: the body and the reports, or the refusal."""
    try:
        made = translation(case.client, wire, case.model, upstream=case.upstream)
    except RequestRefused as refused:
        return str(refused)
    return made.body, made.dropped, made.coerced


def _without(wire: Wire, way: Way) -> Wire:
    shorter = copy.deepcopy(wire)
    del at(shorter, way[:-1])[way[-1]]
    return shorter


def _path(way: Way) -> str:
    return "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in way).removeprefix(".")


def _is_within(path: str, lost: str) -> bool:
    return path == lost or path.startswith((f"{lost}.", f"{lost}["))
