"""A gateway that runs, for the statements about what it reports: every upstream shape, with every model of the tables.

The route of a model is named `to-<upstream shape>/<model>`; `never-<upstream shape>/<model>` is the same behind another
upstream, to which no connection may be opened. Each route speaks its one shape, so that the client's path decides
whether a request is translated.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2

from tests.conformance import losses_of_chat, losses_of_messages, losses_of_responses
from tests.conformance.losses import cases_of
from tests.serving.fake_upstream import FakeUpstream
from tests.serving.operating import wait_until
from tests.serving.running import RunningGateway
from tests.serving.wires import ENDPOINTS

CASES = tuple(
    case
    for client, rows in (
        ("chat", losses_of_chat.ROWS),
        ("messages", losses_of_messages.ROWS),
        ("responses", losses_of_responses.ROWS),
    )
    for case in cases_of(client, rows)
)
"""Every row of the three tables on its way to each upstream."""

_ROUTE = """\
  - {{model: {side}-{shape}/{model}, access_key: $OPENAI_API_KEY, base_url: "{url}", name: {side}-{shape},
      shapes: [{shape}], prefer: {shape}}}
"""


class ReportingGateway:
    """The gateway, a client of it with a key, its upstream, and the upstream that must be left alone."""

    def __init__(self, gateway: RunningGateway, key: str, upstream: FakeUpstream, never: FakeUpstream) -> None:
        self.gateway, self.key, self.upstream, self.never = gateway, key, upstream, never
        self.http = httpx2.Client(base_url=gateway.url, timeout=30, headers={"authorization": f"Bearer {key}"})

    def post(self, client: str, wire: Mapping[str, Any], model: str, **headers: str) -> httpx2.Response:
        """Send a client's request for a model."""
        return self.http.post(ENDPOINTS[client], json={**wire, "model": model}, headers=headers)

    def logged(self, answers: Iterable[httpx2.Response]) -> list[dict[str, Any]]:
        """Return the line of the log that each of these answers has, in their order."""
        ids = [answer.headers["x-request-id"] for answer in answers]
        wait_until(lambda: all(request_id in self.gateway.log() for request_id in ids[-1:]), 10)
        lines = [json.loads(line) for line in self.gateway.log().splitlines() if line.startswith("{")]
        by_id = {line["id"]: line for line in lines if line.get("logger") == "serving.relay"}
        return [by_id[request_id] for request_id in ids]


@contextmanager
def reporting_gateway(folder: Path) -> Iterator[ReportingGateway]:
    """Run it."""
    models = sorted({(case.upstream, case.model) for case in CASES} | {(shape, "plain") for shape in ENDPOINTS})
    with FakeUpstream() as upstream, FakeUpstream() as never:
        routes = "".join(
            _ROUTE.format(side=side, shape=shape, model=model, url=url)
            for side, url in (("to", upstream.url), ("never", never.url))
            for shape, model in models
        )
        aliases = "".join(f"  alias-{shape}: {{target: to-{shape}/plain}}\n" for shape in ENDPOINTS)
        text = f"model_providers:\n{routes}model_aliases:\n{aliases}"
        with RunningGateway(folder, text, GATEWAY_LOG_FORMAT="json", GATEWAY_CLIENT_AUTH="required") as gateway:
            key = gateway.manage("create_key", "conformance", "--project", "tests").split()[-1]
            served = ReportingGateway(gateway, key, upstream, never)
            with served.http:
                wait_until(lambda: served.http.get("/v1/models").status_code == 200, 5)
                yield served


def reported(answer: httpx2.Response) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the paths in the two headers of an answer."""
    dropped, coerced = (answer.headers.get(f"x-gateway-{what}", "") for what in ("dropped", "coerced"))
    return tuple(filter(None, dropped.split(","))), tuple(filter(None, coerced.split(",")))
