"""Stored responses in the worker's own memory: for one worker, gone when it stops, bounded by size and age."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence

from conversations.stored import Chain, RecordRefused, StoredResponse, whole_chain

DEFAULT_MAX_BYTES = 256 * 1024 * 1024


class MemoryResponseStore:
    """Records in this process. Over the limit, the conversation that was used the longest time ago goes first."""

    def __init__(self, max_bytes: int = DEFAULT_MAX_BYTES) -> None:
        self.size = 0
        self._max_bytes = max_bytes
        self._records: dict[tuple[str, str], StoredResponse] = {}
        # The ids of each conversation, the least recently used one first.
        self._conversations: OrderedDict[tuple[str, str], set[str]] = OrderedDict()

    async def chain(self, project: str, response_id: str, now: float) -> Chain:
        """Return the conversation that ends with this response, () if any of it is missing or it has expired."""
        found: list[StoredResponse] = []
        record = self._records.get((project, response_id))
        while record is not None:
            found.append(record)
            record = self._records.get((project, record.previous))
        chain = whole_chain(found, now)
        if chain:
            self._conversations.move_to_end((project, chain[-1].root))
        return chain

    async def get(self, project: str, response_ids: Sequence[str], now: float) -> Sequence[StoredResponse]:
        """Return those of the responses that are there and have not expired."""
        found = (self._records.get((project, response_id)) for response_id in response_ids)
        return [record for record in found if record is not None and record.expires > now]

    async def put(self, record: StoredResponse) -> bool:
        """Keep a record; raises RecordRefused if it is larger than the whole store."""
        if record.size > self._max_bytes:
            raise RecordRefused(f"the response takes {record.size} bytes, more than the memory for all of them")
        self._forget(record.project, record.id)
        self._records[record.project, record.id] = record
        self.size += record.size
        conversation = (record.project, record.root)
        self._conversations.setdefault(conversation, set()).add(record.id)
        self._conversations.move_to_end(conversation)
        while self.size > self._max_bytes:
            self._forget_conversation(next(iter(self._conversations)))
        return True

    async def delete(self, project: str, response_id: str) -> None:
        """Forget a response, and what is known of items that its upstream keeps."""
        record = self._records.get((project, response_id))
        self._forget(project, response_id)
        if record is not None and record.is_remembered() and (project, response_id) in self._conversations:
            self._forget_conversation((project, response_id))

    async def prune(self, now: float) -> bool:
        """Forget the conversations of which everything has expired."""
        for (project, root), ids in list(self._conversations.items()):
            if all(self._records[project, response_id].expires <= now for response_id in ids):
                self._forget_conversation((project, root))
        return False

    async def aclose(self) -> None:
        """Forget everything."""
        self._records.clear()
        self._conversations.clear()
        self.size = 0

    def _forget(self, project: str, response_id: str) -> None:
        record = self._records.pop((project, response_id), None)
        if record is None:
            return
        self.size -= record.size
        ids = self._conversations[project, record.root]
        ids.discard(response_id)
        if not ids:
            del self._conversations[project, record.root]

    def _forget_conversation(self, conversation: tuple[str, str]) -> None:
        project, _ = conversation
        for response_id in list(self._conversations[conversation]):
            self._forget(project, response_id)
