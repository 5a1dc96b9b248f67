"""What a worker serves from: one route table and the pools of its upstreams, swapped as one.

A relay takes the snapshot when it begins and keeps it. A pool whose upstream did not change goes over to the next
snapshot; one that did is retired and closes when its last relay ends.
"""

from __future__ import annotations

from routing.table import NoModel, Route, RouteTable, UnknownModel, Upstream
from serving.errors import invalid_request, unknown_model
from serving.keeping import Memory
from serving.upstream import UpstreamPool


class Snapshot:
    """One revision of the configuration, being served. `memory` are the worker's stores, the same for all of them."""

    def __init__(self, table: RouteTable, memory: Memory, pools: dict[str, UpstreamPool] | None = None) -> None:
        self.table = table
        self.memory = memory
        self._pools = pools if pools is not None else {}
        self._superseded = False

    def route_of(self, model: str | None) -> Route:
        """Return the route for the model that a request names, or for none; raises ClientError if there is none."""
        try:
            return self.table.resolve(model)
        except UnknownModel as exc:
            raise unknown_model(exc.model) from exc
        except NoModel as exc:
            message = "You must provide a 'model' parameter."
            raise invalid_request(message, param="model", code="missing_model") from exc

    def pool(self, upstream: Upstream) -> UpstreamPool:
        """Return the upstream's pool, made at first use; a superseded snapshot's closes with its last relay."""
        pool = self._pools.get(upstream.name)
        if pool is None or pool.closed:
            pool = self._pools[upstream.name] = UpstreamPool(upstream, retired=self._superseded)
        return pool

    async def replaced_by(self, table: RouteTable) -> Snapshot:
        """Return the snapshot of a newer table, with the pools that it still needs, and retire the others."""
        kept = {name: pool for name, pool in self._pools.items() if table.upstreams.get(name) == pool.upstream}
        self._superseded = True
        retired = [pool for name, pool in self._pools.items() if name not in kept]
        for pool in retired:
            await pool.retire()
        return Snapshot(table, self.memory, kept)

    async def aclose(self) -> None:
        """Retire every pool."""
        self._superseded = True
        for pool in self._pools.values():
            await pool.retire()
