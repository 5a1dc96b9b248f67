"""A call: one request of a client, as the relay sees it."""

from __future__ import annotations

from msgspec import Struct

from serving.headers import HeaderList


class Call(Struct, frozen=True, kw_only=True):
    """One request of a client: the shape of the endpoint, the body, the headers as they came (names in lower case).

    `project` is the tenant that asks. `patience` is how many seconds the client waits for a stream's headers while the
    upstream says nothing.
    """

    shape: str
    body: bytes
    headers: HeaderList
    request_id: str
    project: str = ""
    strict: bool = False
    patience: float = 15.0
