"""The one door to the network: a pool of connections per upstream, and what comes back through it.

Only this module knows the HTTP client. httpx2 is its interface and aiohttp the engine; the transport is called
directly, so that there is no cookie jar, no redirect, no proxy from the environment and no retry that nobody asked for.
Whatever the client raises leaves here as an UpstreamError.
"""

from __future__ import annotations

import ssl
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator

import aiohttp
import httpx2
from httpx_aiohttp.httpx2.transport import AiohttpResponseStream, AiohttpTransport
from multidict import CIMultiDict
from yarl import URL

from routing.table import Credential, Upstream
from serving.errors import UpstreamError, upstream_failed
from serving.headers import HeaderList
from serving.overdue import Overdue

MAX_CONNECTIONS = 8192
KEEP_ALIVE_SECONDS = 60
DNS_CACHE_SECONDS = 30
LONGEST_CAUSE = 256
ADDED_BY_AIOHTTP = ("Accept", "Accept-Encoding", "User-Agent", "Content-Type")

_FIXED_HEADERS = {"content-type": "application/json", "accept-encoding": "identity", "user-agent": "switchyard"}

FOREIGN = (
    TimeoutError,
    httpx2.TransportError,
    httpx2.InvalidURL,
    aiohttp.ClientError,
    OSError,
    ValueError,
    RuntimeError,
)
"""What the HTTP client raises, by itself or from below; RuntimeError where aiohttp gave a connection up."""


class PreparedRequest(httpx2.Request):
    """A request whose parts are ready, in the engine's own types: httpx2's constructor normalises every header and
    parses the URL anew, which costs more than all the rest."""

    def __init__(
        self, target: Target, headers: CIMultiDict[str], body: bytes, timeout: aiohttp.ClientTimeout, method: str
    ) -> None:
        self.method = method
        self.url = target.url
        self.target = target
        self.engine_headers = headers
        self.timeout = timeout
        self._content = body


class Target:
    """What every request to one endpoint has in common: its URL for httpx2 and for the engine, its fixed headers."""

    def __init__(self, url: str, headers: CIMultiDict[str]) -> None:
        self.url = httpx2.URL(url)
        self.engine_url = URL(url)
        self.headers = headers


class Transport(AiohttpTransport):
    """httpx2's transport over aiohttp, for prepared requests: one look-up, one call, nothing converted twice."""

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Return the response whose head has come; raises what aiohttp raises (FOREIGN)."""
        assert isinstance(request, PreparedRequest)
        if not isinstance(self.client, aiohttp.ClientSession):
            self.client = self.get_client()
        answer = await self.client.request(
            request.method,
            request.target.engine_url,
            headers=request.engine_headers,
            data=request.content,
            allow_redirects=False,
            timeout=request.timeout,
        )
        return httpx2.Response(answer.status, headers=answer.raw_headers, stream=AiohttpResponseStream(answer))


class UpstreamAnswer:
    """An upstream's answer whose head has come; the body is read through `chunks`.

    `raw_chunks` is the same body for whoever maps the exceptions (FOREIGN) itself: a layer less for every event.
    `credential` is what the upstream was asked with, None without one.
    """

    __slots__ = (
        "_exhausted",
        "_idle",
        "_overdue",
        "_response",
        "chunks",
        "content_type",
        "credential",
        "headers",
        "raw_chunks",
        "status",
    )

    def __init__(self, response: httpx2.Response, overdue: Overdue, idle: float, credential: Credential | None) -> None:
        self._overdue, self._idle = overdue, idle
        self.credential = credential
        self.status = response.status_code
        self.headers = response.headers.raw
        declared = next((value for name, value in self.headers if name.lower() == b"content-type"), b"")
        self.content_type = declared.partition(b";")[0].strip().lower().decode("latin-1")
        assert isinstance(response.stream, AsyncIterable)
        self.raw_chunks: AsyncIterator[bytes] = aiter(response.stream)
        self.chunks = self._mapped_chunks()
        self._response = response
        self._exhausted = False

    async def read(self, limit: int) -> bytes:
        """Return the whole body; raises UpstreamError if it is larger than `limit` bytes, or does not come.

        The engine's own timeout between two reads is not enough: it forgets it where a chunk's frame is broken.
        """
        pieces, size = [], 0
        try:
            while True:
                with self._overdue.within(self._idle):
                    chunk = await anext(self.raw_chunks, None)
                if chunk is None:
                    break
                size += len(chunk)
                if size > limit:
                    message = f"the upstream's answer is larger than {limit} bytes"
                    raise upstream_failed(502, "upstream_protocol_error", message)
                pieces.append(chunk)
        except FOREIGN as exc:
            raise mapped(exc) from exc
        self._exhausted = True
        return b"".join(pieces)

    async def aclose(self) -> None:
        """Close the connection; one whose body was read to its end is back in the pool already."""
        if not self._exhausted:
            await self.chunks.aclose()
            await self._response.aclose()

    async def _mapped_chunks(self) -> AsyncGenerator[bytes]:
        try:
            async for chunk in self.raw_chunks:
                yield chunk
        except FOREIGN as exc:
            raise mapped(exc) from exc
        self._exhausted = True


class UpstreamPool:
    """The connections of one worker to one upstream. Closed when it is retired and its last user has left."""

    def __init__(self, upstream: Upstream, *, retired: bool = False) -> None:
        self.upstream = upstream
        self.closed = False
        # Whether the upstream takes what the gateway adds to ask for usage (asking.py), by model, as far as known.
        self.takes_usage_asked: dict[str, bool] = {}
        self._transport = Transport(verify=_ssl_context(), trust_env=False, client=self._session)
        self.overdue = Overdue()
        self._users = 0
        self._retired = retired
        self._targets: dict[str, Target] = {}
        timeouts = upstream.timeouts
        connect, idle = timeouts.connect, timeouts.idle or None
        self._timeout = aiohttp.ClientTimeout(connect=connect, sock_connect=connect, sock_read=idle)
        # The engine would set a timer for each event; who watches over the stream has one already (watch.py).
        self._stream_timeout = aiohttp.ClientTimeout(connect=connect, sock_connect=connect)

    def enter(self) -> None:
        """Count one more user; `leave` must follow."""
        self._users += 1

    async def leave(self) -> None:
        """Count one user less, and close the pool if that was the last of a retired one."""
        self._users -= 1
        await self._close_if_done()

    async def retire(self) -> None:
        """Close the pool as soon as nobody uses it."""
        self._retired = True
        await self._close_if_done()

    async def send(
        self, path: str, shape: str, body: bytes, headers: HeaderList, *, stream: bool, method: str = ""
    ) -> UpstreamAnswer:
        """Post the body and return the answer's head; raises UpstreamError. Whoever calls closes the answer.

        `path` is the shape's (`/chat/completions`); `headers` come on top of the fixed ones and the credential. A
        `stream` has no timeout between its reads: that is the reader's. With a `method` the path is that of one
        resource, and nothing about it is kept for the next request.
        """
        target = self._targets.get(path)
        if target is None:
            target = self._target(path, shape)
            if not method:
                self._targets[path] = target
        sent = target.headers.copy()
        for name, value in headers:
            word, text = name.decode("latin-1"), value.decode("latin-1")
            # A list may come in several lines of one name; they are one list.
            sent[word] = f"{sent[word]},{text}" if name == b"anthropic-beta" and word in sent else text
        timeout = self._stream_timeout if stream else self._timeout
        request = PreparedRequest(target, sent, body, timeout, method or "POST")
        try:
            with self.overdue.within(self.upstream.timeouts.first_byte):
                response = await self._transport.handle_async_request(request)
        except FOREIGN as exc:
            raise mapped(exc) from exc
        return UpstreamAnswer(response, self.overdue, self.upstream.timeouts.idle, self.upstream.credential)

    def _target(self, path: str, shape: str) -> Target:
        upstream = self.upstream
        headers = CIMultiDict(_FIXED_HEADERS)
        headers.update({name.lower(): value for name, value in upstream.headers})
        headers.update(upstream.credential_headers(shape))
        if upstream.host:
            headers["host"] = upstream.host
        return Target(upstream.url(path), headers)

    def _session(self) -> aiohttp.ClientSession:
        connector = aiohttp.TCPConnector(
            limit=MAX_CONNECTIONS,
            ssl=_ssl_context(),
            keepalive_timeout=KEEP_ALIVE_SECONDS,
            ttl_dns_cache=DNS_CACHE_SECONDS,
        )
        return aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=False,
            skip_auto_headers=ADDED_BY_AIOHTTP,
        )

    async def _close_if_done(self) -> None:
        if self._retired and self._users == 0 and not self.closed:
            self.closed = True
            await self._transport.aclose()


_shared_ssl_context: list[ssl.SSLContext] = []


def warm_up() -> None:
    """Make what the first request would have to make, while there are files to be had."""
    _ssl_context()


def _ssl_context() -> ssl.SSLContext:
    """Return the one TLS context of the process: making one costs 15 ms of CPU."""
    if not _shared_ssl_context:
        _shared_ssl_context.append(httpx2.create_ssl_context(trust_env=False))
    return _shared_ssl_context[0]


def mapped(exc: Exception) -> UpstreamError:
    """Return the error that the HTTP client's exception means; its own text names addresses and stays in the log."""
    # aiohttp's own exception tells more than httpx2's: a connection lost is no timeout.
    told = exc.__cause__ if isinstance(exc, httpx2.TransportError) and exc.__cause__ is not None else exc
    error = _meaning(exc, told)
    # What a broken answer is quoted with may be of the reply: there the exception's name must do.
    of_the_connection = isinstance(told, aiohttp.ClientConnectorError | aiohttp.ClientSSLError)
    error.cause = str(told)[:LONGEST_CAUSE] if of_the_connection else type(told).__name__
    return error


def _meaning(exc: Exception, told: BaseException) -> UpstreamError:
    if isinstance(exc, TimeoutError):
        return upstream_failed(504, "upstream_timeout", "the upstream did not answer in time")
    match told:
        case aiohttp.ClientSSLError():
            return upstream_failed(502, "upstream_tls_error", "the upstream's TLS certificate or handshake failed")
        case aiohttp.ServerTimeoutError():
            return upstream_failed(504, "upstream_timeout", "the upstream did not answer in time")
        case aiohttp.ClientConnectorError():
            return upstream_failed(502, "upstream_connect_error", "the upstream cannot be reached")
        case _:
            return upstream_failed(502, "upstream_error", "the connection to the upstream broke")
