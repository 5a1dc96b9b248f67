"""The items of a conversation as chat messages.

Chat's laws: what the model said and did in one turn is one message, its text before its calls; the results of all its
calls follow at once, one `tool` message each; a `tool` message holds text only, so that an image in a result is
attached in a user message after the whole run of results.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

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
from translation.reading import unsupported
from translation.shapes.chat.tools import NAME_MAX
from translation.turns import AssistantTurn, ResultTurn, Turn, turns
from translation.wrappers import arguments

TOOL_ERROR_MARK = "[tool_error] "


class _Writing(Struct, frozen=True):
    """What the writing of one conversation needs to know."""

    deployment: str
    profile: Profile
    ledger: Ledger


def encode_messages(request: Request, deployment: str, profile: Profile, ledger: Ledger) -> list[Wire]:
    """Return the `messages` of the chat body."""
    writing = _Writing(deployment, profile, ledger)
    messages = [_system(item, profile) for item in request.instructions if any(part.text for part in item.parts)]
    attached: list[Wire] = []
    for turn in turns(request.items):
        if isinstance(turn, UserItem):
            messages.append({"role": "user", "content": _user_content(attached, turn.parts)})
            attached = []
            continue
        if attached:
            messages.append({"role": "user", "content": attached})
            attached = []
        written, attached = _turn(turn, writing)
        messages.extend(written)
    if attached:
        messages.append({"role": "user", "content": attached})
    return messages


def _turn(turn: Turn, writing: _Writing) -> tuple[list[Wire], list[Wire]]:
    """Return the messages of a turn that is not the user's, and the parts that must be attached after it."""
    match turn:
        case AssistantTurn(items):
            return _assistant(items, writing), []
        case ResultTurn(results):
            return _results(results, writing)
        case SystemItem():
            return [_system(turn, writing.profile)], []
        case UserItem():
            return [], []


def _system(item: SystemItem, profile: Profile) -> Wire:
    role = profile.system_role if item.role == "system" else item.role
    return {"role": role, "content": "\n\n".join(part.text for part in item.parts)}


def _user_content(attached: list[Wire], parts: Sequence[Part]) -> str | list[Wire]:
    if not attached and not parts:
        return ""
    if not attached and len(parts) == 1 and isinstance(parts[0], Text):
        return parts[0].text
    return [*attached, *(_part(part) for part in parts)]


def _part(part: Part) -> Wire:
    match part:
        case Text():
            return {"type": "text", "text": part.text}
        case Refusal():
            return {"type": "text", "text": part.text}
        case Image():
            return _image(part)
        case Document():
            return _document(part)
        case Audio():
            return {"type": "input_audio", "input_audio": {"data": part.data, "format": part.format}}


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
        return {"type": "text", "text": f"{_context(document)}<document{title}>\n{document.text}\n</document>"}
    data = f"data:{document.media_type or 'application/pdf'};base64,{document.data}"
    return {"type": "file", "file": {"filename": document.title or "document.pdf", "file_data": data}}


def _context(document: Document) -> str:
    return f"{document.context}\n" if document.context else ""


def _assistant(items: Iterable[AssistantText | Reasoning | ToolCall | Opaque], writing: _Writing) -> list[Wire]:
    """Return the one message of a turn; none if nothing of the turn can be said in chat."""
    message: Wire = {"role": "assistant", "content": None}
    thoughts: list[Wire] = []
    texts: list[str] = []
    refusals: list[str] = []
    calls: list[Wire] = []
    for item in items:
        match item:
            case AssistantText(parts=parts):
                if calls:
                    writing.ledger.coerce(item.at)
                texts.extend(part.text for part in parts if isinstance(part, Text))
                refusals.extend(part.text for part in parts if isinstance(part, Refusal))
            case ToolCall():
                calls.append(_call(item))
            case Reasoning():
                thoughts.append(_restored(item, writing))
            case Opaque():
                writing.ledger.drop(item.at)
    message.update(_joined(thoughts))
    if texts or not (refusals or calls):
        message["content"] = "".join(texts)
    if refusals:
        message["refusal"] = "".join(refusals)
    if calls:
        message["tool_calls"] = calls
    return [message] if len(message) > 2 or texts else []


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
    known = ("reasoning_content", "reasoning", "reasoning_details")
    return {name: value for block in envelope.blocks for name, value in block.items() if name in known}


def _call(call: ToolCall) -> Wire:
    function = {"name": sent_name(call.namespace, call.name, NAME_MAX), "arguments": arguments(call)}
    return {"id": sent_call_id(call.call_id), "type": "function", "function": function}


def _results(results: Sequence[ToolResult], writing: _Writing) -> tuple[list[Wire], list[Wire]]:
    messages, attached = [], []
    pictures = 0
    for result in results:
        texts: list[str] = []
        call_id = sent_call_id(result.call_id)
        files: list[Wire] = []
        for part in result.parts:
            if isinstance(part, Text | Refusal):
                texts.append(part.text)
            else:
                pictures += 1
                what = "image" if isinstance(part, Image) else "file"
                texts.append(f"[{what} {pictures} attached below]")
                files.append(_part(part))
        if files:
            attached += [{"type": "text", "text": f"Attachment for tool call {call_id}:"}, *files]
        if result.is_error:
            texts = [TOOL_ERROR_MARK + (texts[0] if texts else ""), *texts[1:]]
            writing.ledger.coerce(f"{result.at}.is_error")
        messages.append({"role": "tool", "tool_call_id": call_id, "content": _tool_content(texts)})
    return messages, attached


def _tool_content(texts: list[str]) -> str | list[Wire]:
    if len(texts) > 1:
        return [{"type": "text", "text": text} for text in texts]
    return texts[0] if texts else ""
