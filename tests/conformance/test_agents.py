"""The coding agents themselves, unmodified, in sessions with a scripted model behind the gateway.

`npm ci --prefix tests/agents` installs them; without them these tests are skipped.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.agents.scripted_model import Plan, ScriptedModel, conversation_of
from tests.serving.running import RunningGateway
from tests.translation.answers import Answer, Called
from tests.translation.test_replay import native

AGENTS = Path(__file__).parents[1] / "agents" / "node_modules" / ".bin"
SESSION_SECONDS = 120
CODEX_MODEL = "gpt-5.5"
CLAUDE_MODEL = "claude-sonnet-4-5"
TURNS = 20
ROUTES = """
model_providers:
  - {{model: acme/{model}, access_key: $OPENAI_API_KEY, base_url: "{url}", shapes: [{shape}], default: true}}
"""
CONFIGURATION = """
model = "{model}"
model_provider = "switchyard"
approval_policy = "never"
sandbox_mode = "danger-full-access"

[model_providers.switchyard]
name = "Switchyard"
base_url = "{url}/v1"
env_key = "SWITCHYARD_KEY"
wire_api = "responses"
"""
PATCHES = (
    '*** Begin Patch\n*** Add File: notes.txt\n+first: “日本” \\ "q"\n*** End Patch',
    '*** Begin Patch\n*** Update File: notes.txt\n@@\n-first: “日本” \\ "q"\n+second\n*** End Patch',
)


def agent(name: str) -> str:
    """Return the path of an agent's program."""
    program = AGENTS / name
    if not program.exists():
        pytest.skip(f"{name} is not installed: npm ci --prefix tests/agents")
    return str(program)


@contextmanager
def session(folder: Path, shape: str, model: str, plan: Plan) -> Iterator[tuple[ScriptedModel, RunningGateway, Path]]:
    """Run a model of that shape, a gateway before it, and give the folder in which the agent works."""
    for name in ("gateway", "home", "work"):
        (folder / name).mkdir()
    with ScriptedModel(shape, plan) as upstream:
        routes = ROUTES.format(model=model, url=upstream.url, shape=shape)
        with RunningGateway(folder / "gateway", routes) as gateway:
            yield upstream, gateway, folder / "work"


def run(program: list[str], folder: Path, **environment: str) -> str:
    """Run the agent to its end and return what it says."""
    inherited = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
    done = subprocess.run(
        program,
        cwd=folder / "work",
        env={**inherited, "HOME": str(folder / "home"), **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=SESSION_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def patching(number: int, _: Any) -> Answer:
    """Let the agent add a file, then change it, then stop."""
    if number < len(PATCHES):
        arguments = json.dumps({"input": PATCHES[number]}, ensure_ascii=False)
        return Answer("", f"Thought {number}.", (Called(f"call_{number}", "apply_patch", arguments),), "calls")
    return Answer("All is done.", "Enough.")


@pytest.mark.parametrize("shape", ["messages", "chat"])
def test_codex_patches_files_through_other_shapes(shape: str, tmp_path: Path) -> None:
    """184. Codex completes a session of three turns with its freeform apply_patch tool through a messages upstream and
    through a chat upstream: the patches arrive as the model wrote them, and its thoughts go back to it.
    """
    program = agent("codex")
    with session(tmp_path, shape, CODEX_MODEL, patching) as (upstream, gateway, work):
        (tmp_path / "home" / "config.toml").write_text(CONFIGURATION.format(model=CODEX_MODEL, url=gateway.url))
        command = [program, "exec", "--skip-git-repo-check", "--cd", str(work), "Write a file."]
        said = run(command, tmp_path, CODEX_HOME=str(tmp_path / "home"), SWITCHYARD_KEY="any")
        assert "All is done." in said
        assert (work / "notes.txt").read_text() == "second\n"
        assert len(upstream.requests) == 3
        last = conversation_of(shape, upstream.requests[-1])
        member = "thinking" if shape == "messages" else "reasoning_content"
        assert [block[member] for block in native(shape, last) if member in block] == ["Thought 0.", "Thought 1."]
        assert "status=4" not in gateway.log()


def echoing(number: int, _: Any) -> Answer:
    """Let the agent run twenty commands, each after a thought."""
    if number < TURNS:
        arguments = json.dumps({"command": f"echo {number} >> notes.txt", "description": "Note it"})
        return Answer("", f"Thought {number}.", (Called(f"call_{number}", "Bash", arguments),), "calls")
    return Answer("All is done.", "Enough.")


def prefixes(request: Any, items: int) -> str:
    """Return the hash of all that stands before the end of so many items: tools, instructions, conversation."""
    before = [request["model"], request["tools"], request.get("instructions"), request["input"][:items]]
    return hashlib.sha256(json.dumps(before).encode()).hexdigest()


def test_claude_code_keeps_its_thoughts_through_a_responses_upstream(tmp_path: Path) -> None:
    """195. Claude Code completes a session of twenty tool turns through a responses upstream: no reasoning is dropped,
    and what was sent in one turn is the unchanged beginning of what is sent in the next.
    """
    program = agent("claude")
    with session(tmp_path, "responses", CLAUDE_MODEL, echoing) as (upstream, gateway, work):
        said = run(
            [program, "-p", "Write a file.", "--model", CLAUDE_MODEL, "--allowedTools", "Bash"],
            tmp_path,
            ANTHROPIC_BASE_URL=gateway.url,
            ANTHROPIC_AUTH_TOKEN="any",
            CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC="1",
            DISABLE_AUTOUPDATER="1",
            IS_SANDBOX="1",
        )
        assert "All is done." in said
        assert (work / "notes.txt").read_text().split() == [str(number) for number in range(TURNS)]
        assert len(upstream.requests) == TURNS + 1
        for number, (earlier, later) in enumerate(zip(upstream.requests, upstream.requests[1:], strict=False)):
            items = len(earlier["input"])
            assert prefixes(earlier, items) == prefixes(later, items)
            thoughts = [item["summary"][0]["text"] for item in native("responses", later["input"])]
            assert thoughts == [f"Thought {seen}." for seen in range(number + 1)]
