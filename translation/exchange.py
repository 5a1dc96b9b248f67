"""What a translation knows besides the bytes: the client's request and the facts that pure functions may not find out.

The caller brings clock and randomness, so that the same exchange always translates to the same bytes.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct, field

from translation.hub import Request
from translation.ledger import Ledger
from translation.profiles import Profile


class Exchange(Struct, frozen=True, kw_only=True):
    """One request and its reply.

    `model_shown` is the model name in the reply; `seed` 24 characters [A-Za-z0-9] from which missing ids are made;
    `now` Unix seconds; `deployment` the tag of the provider account (envelope.py). `sent_names` maps a tool's name on
    the upstream's wire to the (namespace, name) that the client declared, for those that had to be rewritten. `lost` is
    the ledger of the reply: its decoder and its encoder say there what the client does not get. `own_id`: the reply is
    stored under its id, which is therefore made of the seed: some upstreams give the same id again and again.
    """

    request: Request
    model_shown: str
    seed: str
    now: int
    request_id: str = ""
    deployment: str = ""
    profile: Profile = field(default_factory=Profile)
    sent_names: Mapping[str, tuple[str | None, str]] = {}
    lost: Ledger = field(default_factory=Ledger)
    own_id: bool = False

    def reply_id(self, prefix: str, upstream_id: str) -> str:
        """Return the reply's id in the client's shape: the upstream's own with another prefix, or a new one."""
        if self.own_id:
            return prefix + self.seed
        body = upstream_id.removeprefix("chatcmpl-")
        if body == upstream_id:
            body = upstream_id.rpartition("_")[2]
        clean = "".join(c if c.isascii() and (c.isalnum() or c == "_") else "_" for c in body)
        return prefix + (clean if len(clean) >= 8 else self.seed)

    def item_id(self, prefix: str, number: int) -> str:
        """Return the id of the `number`-th item of the reply, unique for this exchange."""
        return f"{prefix}{self.seed}{number:02d}"
