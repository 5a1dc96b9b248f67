"""The grammar of a Responses stream, as assertions on its bytes.

    created  in_progress  item*  (completed | incomplete)        or, at any point:  error  failed

An item is announced, filled and completed; so is every part in it. What completes repeats what was streamed.
"""

from __future__ import annotations

import json
from typing import Any

Wire = dict[str, Any]

TERMINALS = {
    "response.completed": "completed",
    "response.incomplete": "incomplete",
    "response.failed": "failed",
}
PART_TEXTS = {"output_text": "text", "refusal": "refusal", "reasoning_text": "text", "summary_text": "text"}
TEXT_EVENTS = {"summary_text": "response.reasoning_summary_text"}
SEARCH_EVENTS = ("in_progress", "searching", "completed")
CALL_TEXTS = {
    "function_call": ("response.function_call_arguments", "arguments"),
    "custom_tool_call": ("response.custom_tool_call_input", "input"),
}


def check(stream: bytes) -> list[Wire]:
    """Assert that the bytes are a whole, lawful stream, and return its events."""
    events = _events(stream)
    assert [event["sequence_number"] for event in events] == list(range(len(events))), "numbers have no gaps"
    walk = _Walk()
    for event in events:
        walk.take(event)
    assert walk.terminal, "the stream has a terminal event"
    return events


def _events(stream: bytes) -> list[Wire]:
    assert stream.endswith(b"\n\n"), "the last event is complete"
    events = []
    for block in stream[:-2].split(b"\n\n"):
        if block.startswith(b": "):
            assert b"\n" not in block, "a comment is one line"
            continue
        name, data = block.split(b"\n")
        assert name.startswith(b"event: ")
        assert data.startswith(b"data: ")
        event = json.loads(data.removeprefix(b"data: "))
        assert event["type"] == name.removeprefix(b"event: ").decode(), "the name is the type"
        events.append(event)
    return events


class _Parts:
    """The parts of one item: those of its content, or those of its summary."""

    def __init__(self) -> None:
        self.parts: list[Wire] = []
        self.texts: list[str] = []
        self.logprobs: list[list[Wire]] = []
        self.annotations: list[list[Wire]] = []
        self.text_done: set[int] = set()
        self.part_done: set[int] = set()


class _Item:
    """One item on its way."""

    def __init__(self, added: Wire) -> None:
        self.id = added["id"]
        self.type = added["type"]
        self.content = _Parts()
        self.summary = _Parts()
        self.searched: list[str] = []
        self.call_text = ""
        self.call_text_done = False
        self.done: Wire | None = None


class _Walk:
    """The state of the stream after the events so far."""

    def __init__(self) -> None:
        self.items: list[_Item] = []
        self.response_id = ""
        self.seen: list[str] = []
        self.terminal = ""

    def take(self, event: Wire) -> None:
        """Assert that the event may come now, and remember it."""
        name = event["type"]
        assert not self.terminal, "nothing follows the terminal event"
        assert "error" not in self.seen or name == "response.failed", "only response.failed follows an error"
        expected = ("response.created", "response.in_progress")[len(self.seen) :][:1]
        assert not expected or name in (*expected, "error", "response.failed"), f"{name} comes too early"
        if name == "error":
            self._error(event)
        elif "response" in event:
            self._frame(name, event["response"])
        elif name == "response.output_item.added":
            self._added(event)
        else:
            self._inner(name, event)
        self.seen.append(name)

    def _error(self, event: Wire) -> None:
        inner = event["error"]
        assert event["message"] == inner["message"]
        assert event["code"] == inner["code"]
        assert event["param"] is None
        assert inner["type"]

    def _frame(self, name: str, response: Wire) -> None:
        if self.response_id:
            assert response["id"] == self.response_id, "one id from the first to the last event"
        self.response_id = response["id"]
        if name not in TERMINALS:
            assert self.seen.count(name) == 0
            assert (response["status"], response["output"], response["usage"]) == ("in_progress", [], None)
            return
        self.terminal = name
        assert response["status"] == TERMINALS[name]
        if name == "response.failed":
            assert "error" in self.seen, "the error comes first"
            assert response["error"]["message"]
            assert [item["id"] for item in response["output"]] == [item.id for item in self.items]
            return
        assert all(item.done for item in self.items), "every item is complete"
        assert response["output"] == [item.done for item in self.items], "the output is the sum of the items"
        assert (response["incomplete_details"] is None) == (name == "response.completed")

    def _added(self, event: Wire) -> None:
        item = event["item"]
        assert event["output_index"] == len(self.items), "output_index has no gaps"
        assert item["id"] not in [known.id for known in self.items], "ids are minted once"
        assert item.get("status") == "in_progress"
        assert not item.get("content")
        assert not item.get("summary")
        self.items.append(_Item(item))

    def _inner(self, name: str, event: Wire) -> None:
        item = self.items[event["output_index"]]
        assert item.done is None, "nothing comes to a complete item"
        if name == "response.output_item.done":
            self._done(item, event["item"])
            return
        assert event["item_id"] == item.id
        if name == "response.content_part.added":
            assert item.type in ("message", "reasoning")
            assert (item.type == "reasoning") == (event["part"]["type"] == "reasoning_text")
            self._part_added(item.content, event["content_index"], event["part"])
        elif name == "response.reasoning_summary_part.added":
            assert (item.type, event["part"]["type"]) == ("reasoning", "summary_text")
            self._part_added(item.summary, event["summary_index"], event["part"])
        elif "content_index" in event:
            self._part_event(item.content, event["content_index"], event)
        elif "summary_index" in event:
            self._part_event(item.summary, event["summary_index"], event)
        elif item.type == "web_search_call":
            item.searched.append(name.removeprefix("response.web_search_call."))
        else:
            self._call_event(item, event)

    def _part_added(self, item: _Parts, number: int, part: Wire) -> None:
        assert number == len(item.parts), "the indexes of parts have no gaps"
        assert part[PART_TEXTS[part["type"]]] == ""
        item.parts.append(part)
        item.texts.append("")
        item.logprobs.append([])
        item.annotations.append([])

    def _part_event(self, item: _Parts, number: int, event: Wire) -> None:
        part = item.parts[number]
        field = PART_TEXTS[part["type"]]
        assert number not in item.part_done, "nothing comes to a complete part"
        frame = "reasoning_summary_part" if part["type"] == "summary_text" else "content_part"
        prefix = TEXT_EVENTS.get(part["type"], f"response.{part['type']}")
        match event["type"].removeprefix(prefix):
            case ".delta":
                assert number not in item.text_done
                assert event["delta"]
                item.texts[number] += event["delta"]
                item.logprobs[number] += event.get("logprobs", [])
                assert ("logprobs" in event) == (part["type"] == "output_text")
            case ".annotation.added":
                assert event["annotation_index"] == len(item.annotations[number])
                item.annotations[number].append(event["annotation"])
            case ".done":
                assert event[field] == item.texts[number], "the text is the sum of its deltas"
                assert event.get("logprobs", []) == item.logprobs[number]
                item.text_done.add(number)
            case ending if ending == f"response.{frame}.done":
                assert number in item.text_done
                assert event["part"][field] == item.texts[number]
                assert event["part"].get("annotations", []) == item.annotations[number]
                item.part_done.add(number)
                item.parts[number] = event["part"]
            case _:
                raise AssertionError(f"{event['type']} may not come here")

    def _call_event(self, item: _Item, event: Wire) -> None:
        name, field = CALL_TEXTS[item.type]
        assert not item.call_text_done
        if event["type"] == f"{name}.delta":
            assert event["delta"]
            item.call_text += event["delta"]
        else:
            assert event["type"] == f"{name}.done"
            assert event[field] == item.call_text, "the text is the sum of its deltas"
            item.call_text_done = True

    def _done(self, item: _Item, done: Wire) -> None:
        assert (done["id"], done["type"], done["status"]) == (item.id, item.type, "completed")
        for known in (item.content, item.summary):
            assert known.part_done == set(range(len(known.parts))), "every part is complete"
        if item.type in ("message", "reasoning"):
            assert done.get("content", []) == item.content.parts
            assert done.get("summary", []) == item.summary.parts
        elif item.type == "web_search_call":
            assert tuple(item.searched) == SEARCH_EVENTS
            assert done["action"]["type"] == "search"
        elif item.type in CALL_TEXTS:
            assert item.call_text_done
            assert done[CALL_TEXTS[item.type][1]] == item.call_text
        item.done = done
