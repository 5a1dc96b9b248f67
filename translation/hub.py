"""The neutral conversation that every shape decodes into and encodes from.

The hub is a superset of the three wires: an ordered list of items, each of the finest grain that any wire has. How
items are grouped (one message per turn, results right after their calls) is a rule of the target and lives in its
encoder.

Values are frozen. `at` is the value's path in the client's body (`messages[3].content[0]`), for reports and refusals.
A field that is absent on the wire is None here; an encoder leaves a None field out.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Any

from msgspec import Struct

Wire = dict[str, Any]
"""A JSON object of some shape, as decoded from or about to be written to the wire."""


class CacheMark(Struct, frozen=True):
    """The client's wish that the prompt is cached up to and including this part; `ttl` as the client wrote it."""

    ttl: str | None = None


class Text(Struct, frozen=True, kw_only=True, tag=True):
    """Plain text, exactly as sent."""

    text: str
    cache: CacheMark | None = None
    annotations: tuple[Citation, ...] = ()
    at: str = ""


class Refusal(Struct, frozen=True, kw_only=True, tag=True):
    """The model's own words for declining."""

    text: str
    at: str = ""


class Image(Struct, frozen=True, kw_only=True, tag=True):
    """An image: either `url` (http or https), or `data` (base64) with its `media_type`, or a provider's `file_id`."""

    url: str = ""
    data: str = ""
    media_type: str = ""
    file_id: str = ""
    detail: str | None = None
    cache: CacheMark | None = None
    at: str = ""


class Document(Struct, frozen=True, kw_only=True, tag=True):
    """A file: `data` (base64) with `media_type`, or `text`, or `url`, or a provider's `file_id`."""

    url: str = ""
    data: str = ""
    media_type: str = ""
    text: str | None = None
    file_id: str = ""
    title: str | None = None
    context: str | None = None
    cache: CacheMark | None = None
    at: str = ""


class Audio(Struct, frozen=True, kw_only=True, tag=True):
    """Recorded sound: base64 `data` in `format`."""

    data: str
    format: str
    at: str = ""


class Citation(Struct, frozen=True):
    """A web source of a piece of text; `start` and `end` are code-point offsets into that text.

    `opaque` is what its maker knows it by, and takes back.
    """

    url: str
    title: str = ""
    cited_text: str = ""
    start: int = 0
    end: int = 0
    opaque: str = ""


Part = Text | Refusal | Image | Document | Audio


class WebSearch(Struct, frozen=True):
    """A search of the web that the provider made by itself: what was asked for, and the pages that were found.

    `opaque` holds the provider's own objects for it, sealed (see envelope.py), where it takes them back.
    """

    queries: tuple[str, ...] = ()
    sources: tuple[Citation, ...] = ()
    opaque: str = ""


class SystemItem(Struct, frozen=True, kw_only=True, tag=True):
    """An instruction; `role` is `system` or `developer`."""

    role: str
    parts: tuple[Text, ...]
    at: str = ""


class UserItem(Struct, frozen=True, kw_only=True, tag=True):
    """What the user said."""

    parts: tuple[Part, ...]
    at: str = ""


class AssistantText(Struct, frozen=True, kw_only=True, tag=True):
    """What the model said: text and refusals. `phase` is `commentary` or `final_answer` where the wire has it."""

    parts: tuple[Text | Refusal, ...]
    phase: str | None = None
    at: str = ""


class Reasoning(Struct, frozen=True, kw_only=True, tag=True):
    """What the model thought.

    `text` and `summaries` are readable; `opaque` is the string that only its maker reads, as the client sent it back:
    a thinking signature, encrypted reasoning, or an envelope of ours (see envelope.py).
    """

    text: str = ""
    summaries: tuple[str, ...] = ()
    opaque: str = ""
    at: str = ""


class ToolKind(Enum):
    """What kind of tool the client declared or called; the value is the name that reports use."""

    FUNCTION = "function"
    CUSTOM = "custom"
    SHELL = "shell"
    LOCAL_SHELL = "local_shell"
    APPLY_PATCH = "apply_patch"
    BASH = "bash"
    TEXT_EDITOR = "text_editor"
    MEMORY = "memory"
    WEB_SEARCH = "web_search"
    HOSTED = "hosted"


class ToolCall(Struct, frozen=True, kw_only=True, tag=True):
    """The model's call of a tool. `arguments` is the exact string: JSON for functions, free text for custom tools."""

    call_id: str
    name: str
    arguments: str
    kind: ToolKind = ToolKind.FUNCTION
    namespace: str | None = None
    at: str = ""


class ToolResult(Struct, frozen=True, kw_only=True, tag=True):
    """What the client's tool answered to the call with the same `call_id`."""

    call_id: str
    parts: tuple[Part, ...]
    is_error: bool = False
    kind: ToolKind = ToolKind.FUNCTION
    at: str = ""


class Opaque(Struct, frozen=True, kw_only=True, tag=True):
    """An item of one shape only, kept verbatim for its own shape; `kind` is its wire type."""

    origin: str
    kind: str
    native: Mapping[str, Any]
    at: str = ""


Item = SystemItem | UserItem | AssistantText | Reasoning | ToolCall | ToolResult | Opaque


class Tool(Struct, frozen=True, kw_only=True):
    """A tool that the client declares.

    `parameters` is the JSON Schema of a function's arguments. `grammar` is (syntax, definition) of a custom tool whose
    input is constrained. `native` is the whole declaration for kinds that are not functions or custom tools.
    """

    kind: ToolKind
    name: str
    description: str | None = None
    parameters: Mapping[str, Any] | None = None
    strict: bool | None = None
    namespace: str | None = None
    grammar: tuple[str, str] | None = None
    native: Mapping[str, Any] | None = None
    at: str = ""


class McpServer(Struct, frozen=True, kw_only=True):
    """A server of tools that the provider shall call by itself; `allowed` names those that it may, None for all."""

    name: str
    url: str
    authorization: str | None = None
    allowed: tuple[str, ...] | None = None
    at: str = ""


class ToolChoice(Struct, frozen=True, kw_only=True):
    """Which tool must be used. `mode`: auto, none, required, named (`name`, `kind`) or allowed (`names`, `within`)."""

    mode: str
    name: str = ""
    kind: ToolKind = ToolKind.FUNCTION
    names: tuple[str, ...] = ()
    within: str = "auto"
    at: str = "tool_choice"


class OutputFormat(Struct, frozen=True, kw_only=True):
    """The form that the answer must have: any JSON object (`schema` None), or JSON that fits `schema`."""

    schema: Mapping[str, Any] | None = None
    name: str | None = None
    description: str | None = None
    strict: bool | None = None


class Thinking(Struct, frozen=True, kw_only=True):
    """How the model shall think: `mode` is enabled (with `budget` tokens), adaptive, between_tools or disabled."""

    mode: str
    budget: int | None = None
    display: str | None = None


class Request(Struct, frozen=True, kw_only=True):
    """One request, neutral.

    `origin` is the client's shape and `echo` its body as it came, for replies that repeat the request and for the
    tables of fields that only one shape has. `instructions` is the leading run of system and developer items; `items`
    the rest. `user_id` is Anthropic's word for the end user (any length); `user` and `safety_identifier` are OpenAI's.
    `service_tier` is in OpenAI's words, and so are `prompt_cache_options`, `prompt_cache_retention`, `moderation` and
    `include_obfuscation` (of a stream's pieces), which only OpenAI's two shapes have. `wants_reasoning_state` and
    `wants_search_sources` say what of a reply the client wants to see. `compact_above` is how many tokens a
    conversation may have before the provider shortens it, 0 if that is left to the provider.
    """

    origin: str
    model: str
    echo: Mapping[str, Any]
    stream: bool = False
    instructions: tuple[SystemItem, ...] = ()
    items: tuple[Item, ...] = ()
    tools: tuple[Tool, ...] = ()
    mcp_servers: tuple[McpServer, ...] = ()
    tool_choice: ToolChoice | None = None
    parallel_tool_calls: bool | None = None
    max_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    stop: tuple[str, ...] = ()
    effort: str | None = None
    thinking: Thinking | None = None
    reasoning_summary: str | None = None
    wants_reasoning_state: bool = False
    wants_search_sources: bool = False
    output_format: OutputFormat | None = None
    verbosity: str | None = None
    logprobs: bool = False
    top_logprobs: int | None = None
    user_id: str | None = None
    user: str | None = None
    safety_identifier: str | None = None
    prompt_cache_key: str | None = None
    prompt_cache_options: Mapping[str, Any] | None = None
    prompt_cache_retention: str | None = None
    moderation: Mapping[str, Any] | None = None
    max_tool_calls: int | None = None
    compact_above: int | None = None
    include_obfuscation: bool | None = None
    metadata: Mapping[str, Any] | None = None
    service_tier: str | None = None
    store: bool | None = None
    include_usage: bool = False
