"""What is known about providers by their name: address, native shapes, and how they take a credential.

A preset fills what a seed file or an admin form leaves out; whatever an operator writes wins.
Sources: the vendors' API references, November 2026.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from msgspec import Struct
from msgspec.structs import replace

from routing.table import EVERY_BETA


class Preset(Struct, frozen=True):
    """One provider's defaults. `base_url` is None where each installation has its own.

    `auth` says how the `messages` shape carries the credential: `bearer` or `x-api-key`. Other shapes take Bearer.
    `quirks`: most servers that are compatible with OpenAI know the older name of the output limit only. `asks_usage`:
    the provider's own servers take `stream_options`. `betas` are the values of `anthropic-beta` that they take.
    """

    base_url: str | None = None
    shapes: tuple[str, ...] = ("chat",)
    prefer: str = "chat"
    auth: str = "bearer"
    quirks: tuple[str, ...] = ("old_max_tokens",)
    asks_usage: bool = False
    betas: tuple[str, ...] = ()


_OPENAI_SHAPES = ("chat", "responses")
_ANTHROPIC = Preset(
    "https://api.anthropic.com", ("messages", "chat"), "chat", "x-api-key", (), asks_usage=True, betas=EVERY_BETA
)

# What these providers' own servers refuse, or take besides; see the evidence of each quirk.
_MISTRAL = ("nine_character_call_ids", "no_openai_bookkeeping", "no_stream_options", "old_max_tokens")
_THINKING_WITH_CALLS = ("old_max_tokens", "reasoning_with_calls")
_TOP_K = ("old_max_tokens", "takes_top_k")

PRESETS: Mapping[str, Preset] = {
    "openai": Preset("https://api.openai.com", _OPENAI_SHAPES, quirks=(), asks_usage=True),
    "anthropic": _ANTHROPIC,
    "claude": _ANTHROPIC,
    "xai": Preset("https://api.x.ai", _OPENAI_SHAPES, quirks=(), asks_usage=True),
    "alibaba": Preset("https://dashscope-intl.aliyuncs.com/compatible-mode/v1", asks_usage=True),
    "cerebras": Preset("https://api.cerebras.ai"),
    "deepseek": Preset("https://api.deepseek.com", quirks=_THINKING_WITH_CALLS, asks_usage=True),
    "fireworks": Preset("https://api.fireworks.ai/inference/v1", quirks=_TOP_K),
    "gemini": Preset("https://generativelanguage.googleapis.com/v1beta/openai"),
    "groq": Preset("https://api.groq.com/openai/v1"),
    "huggingface": Preset("https://router.huggingface.co/v1"),
    "mistral": Preset("https://api.mistral.ai", quirks=_MISTRAL),
    "moonshotai": Preset("https://api.moonshot.ai", quirks=_THINKING_WITH_CALLS),
    "nvidia": Preset("https://integrate.api.nvidia.com"),
    "openrouter": Preset("https://openrouter.ai/api/v1"),
    "qwen": Preset("https://dashscope-intl.aliyuncs.com/compatible-mode/v1", asks_usage=True),
    "together_ai": Preset("https://api.together.xyz", quirks=_TOP_K),
    "vercel": Preset("https://ai-gateway.vercel.sh"),
    "zhipu": Preset("https://api.z.ai/api/paas/v4"),
    "azure_openai": Preset(None, _OPENAI_SHAPES, quirks=(), asks_usage=True),
    "chatgpt": Preset(None, ("responses",), "responses", quirks=()),
    "ollama": Preset("http://127.0.0.1:11434"),
    "llamacpp": Preset("http://127.0.0.1:8080", quirks=_TOP_K),
    "lmstudio": Preset("http://127.0.0.1:1234"),
    "vllm": Preset("http://127.0.0.1:8000", quirks=_TOP_K),
}

UNKNOWN_PROVIDER = Preset()


def preset_for(provider: str, interface: str = "") -> Preset:
    """Return the defaults of a provider; `interface` names the provider whose wire it speaks, "" if its own."""
    spoken = PRESETS.get(interface or provider, UNKNOWN_PROVIDER)
    address = PRESETS.get(provider, UNKNOWN_PROVIDER).base_url
    return replace(spoken, base_url=address)


def asks_usage(provider: str, base_url: str, quirks: Iterable[str]) -> bool:
    """Return whether an upstream of the provider is asked for the usage of streams, unless its operator says.

    Only the provider's own servers are known to take it: who gives another address may mean any server that speaks
    like them.
    """
    preset = PRESETS.get(provider, UNKNOWN_PROVIDER)
    return preset.asks_usage and base_url == (preset.base_url or base_url) and "no_stream_options" not in quirks


def betas(provider: str) -> tuple[str, ...]:
    """Return the betas that an upstream of the provider takes, unless its operator says. A look-alike knows none."""
    return PRESETS.get(provider, UNKNOWN_PROVIDER).betas
