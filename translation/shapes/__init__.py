"""The wire shapes, one folder each, and the table of them: adding a shape is a folder and a line here."""

from __future__ import annotations

from collections.abc import Mapping

from translation.shapes import chat, messages, responses
from translation.shapes.shape import Shape

SHAPES: Mapping[str, Shape] = {
    "chat": chat.SHAPE,
    "messages": messages.SHAPE,
    "responses": responses.SHAPE,
}
