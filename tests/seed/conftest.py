"""The customer's set-up, whole: a gateway on port 12000 from the customer's file, and the providers' mock on 51001."""

from __future__ import annotations

import fcntl
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path

import anthropic
import httpx2
import openai
import pytest
from pytest_httpserver import HTTPServer

from tests.seed.providers import Providers
from tests.serving.running import ROOT, RunningGateway

GATEWAY_PORT = 12000
PROVIDERS_PORT = 51001
GATEWAY_URL = f"http://localhost:{GATEWAY_PORT}"
CLIENT_KEY = "test-key"
CUSTOMER_FILE = ROOT / "tests" / "routing" / "customer.yaml"


def claim(port: int) -> None:
    """Fail the tests with a reason if somebody listens on a port that the customer's file fixes."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", port))
        except OSError:
            pytest.fail(f"port {port} is taken: stop what listens there, these tests need it", pytrace=False)


@pytest.fixture(scope="module")
def _ports() -> Iterator[None]:
    """The two ports, for one process at a time where tests run in several."""
    with Path(tempfile.gettempdir(), f"port-{GATEWAY_PORT}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        claim(GATEWAY_PORT)
        claim(PROVIDERS_PORT)
        yield


@pytest.fixture(scope="module")
def make_httpserver(_ports: None) -> Iterator[HTTPServer]:
    """The server of pytest-httpserver, where the customer's file says that the providers are."""
    with HTTPServer(host="127.0.0.1", port=PROVIDERS_PORT) as server:
        yield server


@pytest.fixture(scope="module")
def gateway(_ports: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningGateway]:
    """The gateway process, on the customer's port with the customer's file."""
    folder: Path = tmp_path_factory.mktemp("customer")
    with RunningGateway(folder, CUSTOMER_FILE, port=GATEWAY_PORT) as running:
        yield running


@pytest.fixture(params=[1, 7, 0], ids=["1 byte", "7 bytes", "whole"])
def providers(request: pytest.FixtureRequest, httpserver: HTTPServer) -> Providers:
    """The mock of the providers, writing its streams in pieces of 1 byte, 7 bytes, and whole."""
    return Providers(httpserver, request.param)


@pytest.fixture
def openai_client(gateway: RunningGateway) -> Iterator[openai.OpenAI]:
    """The OpenAI SDK, as the customer makes it; nothing is tried twice, so that no failure hides."""
    with openai.OpenAI(api_key=CLIENT_KEY, base_url=f"{GATEWAY_URL}/v1", max_retries=0) as client:
        yield client


@pytest.fixture
def anthropic_client(gateway: RunningGateway) -> Iterator[anthropic.Anthropic]:
    """The Anthropic SDK, as the customer makes it; nothing is tried twice."""
    with anthropic.Anthropic(api_key=CLIENT_KEY, base_url=GATEWAY_URL, max_retries=0) as client:
        yield client


@pytest.fixture
def raw_client(gateway: RunningGateway) -> Iterator[httpx2.Client]:
    """A plain HTTP client with the customer's key in both headers that a client may use."""
    keys = {"authorization": f"Bearer {CLIENT_KEY}", "x-api-key": CLIENT_KEY}
    with httpx2.Client(base_url=GATEWAY_URL, headers=keys, timeout=15) as client:
        yield client
