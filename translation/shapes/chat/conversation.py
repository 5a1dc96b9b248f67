"""The items of a conversation as chat messages.

Chat's laws: what the model said and did in one turn is one message, its text before its calls; the results of all its
calls follow at once, one `tool` message each; a `tool` message holds text only, so that an image in a result is
attached in a user message after the whole run of results.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct

from translation.envelope import unseal
from translation.hub import (
    AssistantText,
    Audio,
    Document,
    Image,
    Opaque,
    Part,
    Reasoning,
    Refusal,
    Request,
    SystemItem,
    Text,
    ToolCall,
    ToolResult,
    UserItem,
    Wire,
)
from translation.ledger import Ledger
from translation.names import sent_call_id, sent_name
from translation.profiles import Profile
from translation.reading import no_messages, unsupported
from translation.shapes.cache_breakpoints import cache_breakpoints
from translation.shapes.chat.tools import NAME_MAX
from translation.tool_errors import failure_member
from translation.turns import AssistantTurn, ResultTurn, Turn, turns
from translation.wrappers import arguments

_OF_A_CALL = ("call_id", "extra_content")
"""The members of an envelope with what a call must come back with."""

_CONTENT_THOUGHTS = "content_thoughts"
"""How an envelope calls thoughts that stood among the parts of the content."""

_TAGGED_THOUGHTS = "think_tags"
"""How it calls thoughts that stood in the text: with their tags, and the blanks up to the words."""

TOOL_ERROR_MARK = "[tool_error] "


class _Writing(Struct, frozen=True):
    """What the writing of one conversation needs to know; `breakpoints` are the cache marks of parts by their path."""

    origin: str
    deployment: str
    profile: Profile
    ledger: Ledger
    breakpoints: Mapping[str, Wire]


def encode_messages(request: Request, deployment: str, profile: Profile, ledger: Ledger) -> list[Wire]:
    """Return the `messages` of the chat body."""
    writing = _Writing(request.origin, deployment, profile, ledger, cache_breakpoints(request, profile, ledger))
    messages = [_system(item, writing) for item in request.instructions if any(part.text for part in item.parts)]
    attached: list[Wire] = []
    for turn in turns(request.items):
        if isinstance(turn, UserItem):
            messages.append({"role": "user", "content": _user_content(attached, turn.parts, writing)})
            attached = []
            continue
        if attached:
            messages.append({"role": "user", "content": attached})
            attached = []
        written, attached = _turn(turn, writing)
        messages.extend(written)
    if attached:
        messages.append({"role": "user", "content": attached})
    if not messages:
        raise no_messages(request.origin)
    return messages


def _turn(turn: Turn, writing: _Writing) -> tuple[list[Wire], list[Wire]]:
    """Return the messages of a turn that is not the user's, and the parts that must be attached after it."""
    match turn:
        case AssistantTurn(items):
            return _assistant(items, writing), []
        case ResultTurn(results):
            return _results(results, writing)
        case SystemItem():
            return [_system(turn, writing)], []
        case UserItem():
            return [], []


def _system(item: SystemItem, writing: _Writing) -> Wire:
    """Return an instruction; its parts stay apart where the model takes cache marks, be there marks or not."""
    profile = writing.profile
    role = profile.system_role if item.role == "system" or profile.system_role == "user" else item.role
    if profile.cache_breakpoints:
        return {"role": role, "content": [_text(part, writing) for part in item.parts if part.text]}
    return {"role": role, "content": "\n\n".join(part.text for part in item.parts)}


def _user_content(attached: list[Wire], parts: Sequence[Part], writing: _Writing) -> str | list[Wire]:
    content = [*attached, *(wire for part in parts for wire in _parts(part, writing))]
    if len(content) == 1 and set(content[0]) == {"type", "text"}:
        text: str = content[0]["text"]
        return text
    return content or ""


def _parts(part: Part, writing: _Writing) -> list[Wire]:
    """Return the content parts that say what one part says."""
    match part:
        case Text() | Refusal():
            return [_text(part, writing)]
        case Image():
            return [_marked(_image(part), part, writing)]
        case Document():
            document = _marked(_document(part), part, writing)
            return [{"type": "text", "text": part.context}, document] if part.context else [document]
        case Audio():
            return [{"type": "input_audio", "input_audio": {"data": part.data, "format": part.format}}]


def _text(part: Text | Refusal, writing: _Writing) -> Wire:
    return _marked({"type": "text", "text": part.text}, part, writing)


def _marked(wire: Wire, part: Part, writing: _Writing) -> Wire:
    mark = writing.breakpoints.get(part.at)
    return wire if mark is None else {**wire, "prompt_cache_breakpoint": mark}


def _image(image: Image) -> Wire:
    if image.file_id:
        raise unsupported(
            image.at,
            "An image by file id cannot be sent to this model's provider.",
            "Send the image's data or its URL.",
        )
    url = image.url or f"data:{image.media_type};base64,{image.data}"
    detail = {"detail": image.detail} if image.detail else {}
    return {"type": "image_url", "image_url": {"url": url, **detail}}


def _document(document: Document) -> Wire:
    if document.file_id:
        raise unsupported(
            document.at, "A file id cannot be sent to this model's provider.", "Send the file's data instead."
        )
    if document.url:
        raise unsupported(
            document.at, "This model's provider does not take a document by URL.", "Send the file's data instead."
        )
    if document.text is not None:
        title = f' title="{document.title}"' if document.title else ""
        return {"type": "text", "text": f"<document{title}>\n{document.text}\n</document>"}
    data = f"data:{document.media_type or 'application/pdf'};base64,{document.data}"
    return {"type": "file", "file": {"filename": document.title or "document.pdf", "file_data": data}}


def _assistant(items: Iterable[AssistantText | Reasoning | ToolCall | Opaque], writing: _Writing) -> list[Wire]:
    """Return the one message of a turn; none if nothing of the turn can be said in chat."""
    message: Wire = {"role": "assistant", "content": None}
    thoughts: list[Wire] = []
    texts: list[str] = []
    refusals: list[str] = []
    calls: list[Wire] = []
    summaries: list[Wire] = []
    signed: dict[str, Wire] = {}
    for item in items:
        match item:
            case AssistantText(parts=parts):
                if calls:
                    writing.ledger.coerce(item.at)
                for part in parts:
                    if isinstance(part, Text) and part.annotations:
                        named = "citations" if writing.origin == "messages" else "annotations"
                        writing.ledger.drop(f"{part.at}.{named}")
                texts.extend(part.text for part in parts if isinstance(part, Text))
                refusals.extend(part.text for part in parts if isinstance(part, Refusal))
            case ToolCall():
                calls.append(_call(item, signed.get(item.call_id)))
            case Reasoning():
                restored = _restored(item, writing)
                call_id = restored.pop("call_id", None)
                if call_id is None:
                    thoughts.append(restored)
                else:
                    signed[call_id] = restored
            case Opaque(kind="compaction"):
                summaries.append(_summary(item, writing))
            case Opaque():
                writing.ledger.drop(item.at)
    thought = _joined(thoughts)
    among, tagged = thought.pop(_CONTENT_THOUGHTS, None), thought.pop(_TAGGED_THOUGHTS, "")
    message.update(thought)
    if texts or tagged or not (refusals or calls):
        message["content"] = tagged + "".join(texts)
    if among:
        message["content"] = _with_thoughts(among, texts)
    if refusals:
        message["refusal"] = "".join(refusals)
    if calls:
        message["tool_calls"] = calls
    return [*summaries, message] if len(message) > 2 or texts or among or tagged else summaries


def _summary(item: Opaque, writing: _Writing) -> Wire:
    """Return the words that stand for what was said before, if we sealed some; only their maker reads any other."""
    envelope = unseal(str(item.native.get("encrypted_content")))
    said = [block.get("content") for block in envelope.blocks] if envelope is not None else []
    if not said or not all(isinstance(words, str) and words for words in said):
        raise unsupported(
            item.at, "This model's provider cannot read a compacted conversation.", "Send the conversation in full."
        )
    writing.ledger.coerce(item.at)
    return {"role": "user", "content": f"<conversation-summary>{''.join(map(str, said))}</conversation-summary>"}


def _with_thoughts(thoughts: str, texts: Iterable[str]) -> list[Wire]:
    """Return the content of an upstream that writes its thoughts there."""
    thinking = {"type": "thinking", "thinking": [{"type": "text", "text": thoughts}]}
    return [thinking, *({"type": "text", "text": text} for text in texts if text)]


def _joined(thoughts: Iterable[Wire]) -> Wire:
    """Return the reasoning members of a turn that thought more than once, as one message has them."""
    joined: Wire = {}
    for restored in thoughts:
        for name, value in restored.items():
            joined[name] = joined[name] + value if type(joined.get(name)) is type(value) else value
    return joined


def _restored(reasoning: Reasoning, writing: _Writing) -> Wire:
    """Return the upstream's own reasoning members, if the client sent them back and the same account is asked."""
    envelope = unseal(reasoning.opaque)
    if envelope is None or envelope.origin != "chat" or envelope.deployment != writing.deployment:
        writing.ledger.drop(reasoning.at)
        return {}
    known = ("reasoning_content", "reasoning", "reasoning_details", _CONTENT_THOUGHTS, _TAGGED_THOUGHTS, *_OF_A_CALL)
    return {name: value for block in envelope.blocks for name, value in block.items() if name in known}


def _call(call: ToolCall, extra: Wire | None) -> Wire:
    function = {"name": sent_name(call.namespace, call.name, NAME_MAX), "arguments": arguments(call)}
    return {"id": sent_call_id(call.call_id), "type": "function", "function": function, **(extra or {})}


def _results(results: Sequence[ToolResult], writing: _Writing) -> tuple[list[Wire], list[Wire]]:
    messages, attached = [], []
    pictures = 0
    for result in results:
        texts: list[Wire] = []
        call_id = sent_call_id(result.call_id)
        files: list[Wire] = []
        for part in result.parts:
            if isinstance(part, Text | Refusal):
                texts.append(_text(part, writing))
            else:
                pictures += 1
                what = "image" if isinstance(part, Image) else "file"
                texts.append({"type": "text", "text": f"[{what} {pictures} attached below]"})
                files += _parts(part, writing)
        if files:
            attached += [{"type": "text", "text": f"Attachment for tool call {call_id}:"}, *files]
        if result.is_error:
            first = texts[0] if texts else {"type": "text", "text": ""}
            texts = [{**first, "text": TOOL_ERROR_MARK + first["text"]}, *texts[1:]]
            if member := failure_member(result, writing.origin):
                writing.ledger.coerce(member)
        messages.append({"role": "tool", "tool_call_id": call_id, "content": _tool_content(texts)})
    return messages, attached


def _tool_content(texts: list[Wire]) -> str | list[Wire]:
    if len(texts) == 1 and "prompt_cache_breakpoint" not in texts[0]:
        text: str = texts[0]["text"]
        return text
    return texts or ""
