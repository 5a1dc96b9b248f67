"""What is known about providers by their name: address, native shapes, and how they take a credential.

A preset fills what a seed file or an admin form leaves out; whatever an operator writes wins.
Sources: the vendors' API references, November 2026.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct
from msgspec.structs import replace


class Preset(Struct, frozen=True):
    """One provider's defaults. `base_url` is None where each installation has its own.

    `auth` says how the `messages` shape carries the credential: `bearer` or `x-api-key`. Other shapes take Bearer.
    `quirks`: most servers that are compatible with OpenAI know the older name of the output limit only.
    """

    base_url: str | None = None
    shapes: tuple[str, ...] = ("chat",)
    prefer: str = "chat"
    auth: str = "bearer"
    quirks: tuple[str, ...] = ("old_max_tokens",)


_OPENAI_SHAPES = ("chat", "responses")
_ANTHROPIC = Preset("https://api.anthropic.com", ("messages", "chat"), "chat", "x-api-key", quirks=())

PRESETS: Mapping[str, Preset] = {
    "openai": Preset("https://api.openai.com", _OPENAI_SHAPES, quirks=()),
    "anthropic": _ANTHROPIC,
    "claude": _ANTHROPIC,
    "xai": Preset("https://api.x.ai", _OPENAI_SHAPES, quirks=()),
    "alibaba": Preset("https://dashscope-intl.aliyuncs.com/compatible-mode/v1"),
    "cerebras": Preset("https://api.cerebras.ai"),
    "deepseek": Preset("https://api.deepseek.com"),
    "fireworks": Preset("https://api.fireworks.ai/inference/v1"),
    "gemini": Preset("https://generativelanguage.googleapis.com/v1beta/openai"),
    "groq": Preset("https://api.groq.com/openai/v1"),
    "huggingface": Preset("https://router.huggingface.co/v1"),
    "mistral": Preset("https://api.mistral.ai"),
    "moonshotai": Preset("https://api.moonshot.ai"),
    "nvidia": Preset("https://integrate.api.nvidia.com"),
    "openrouter": Preset("https://openrouter.ai/api/v1"),
    "qwen": Preset("https://dashscope-intl.aliyuncs.com/compatible-mode/v1"),
    "together_ai": Preset("https://api.together.xyz"),
    "vercel": Preset("https://ai-gateway.vercel.sh"),
    "zhipu": Preset("https://api.z.ai/api/paas/v4"),
    "azure_openai": Preset(None, _OPENAI_SHAPES, quirks=()),
    "chatgpt": Preset(None, ("responses",), "responses", quirks=()),
    "ollama": Preset("http://127.0.0.1:11434"),
    "llamacpp": Preset("http://127.0.0.1:8080"),
    "lmstudio": Preset("http://127.0.0.1:1234"),
    "vllm": Preset("http://127.0.0.1:8000"),
}

UNKNOWN_PROVIDER = Preset()


def preset_for(provider: str, interface: str = "") -> Preset:
    """Return the defaults of a provider; `interface` names the provider whose wire it speaks, "" if its own."""
    spoken = PRESETS.get(interface or provider, UNKNOWN_PROVIDER)
    address = PRESETS.get(provider, UNKNOWN_PROVIDER).base_url
    return replace(spoken, base_url=address)
