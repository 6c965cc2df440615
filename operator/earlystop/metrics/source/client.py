"""One instant query, answered exactly or not at all: `prometheus_api_client` without its silent leniencies.

The library drops `warnings` (so a partial answer looks complete), retries on its own, waits for ever by default,
and puts a POST's query into the URL. Its session, authentication and public face are kept.
"""

from __future__ import annotations

import base64
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from types import MappingProxyType
from urllib.parse import urlsplit

import requests
import urllib3
from prometheus_api_client.prometheus_connect import PrometheusConnect

from earlystop.metrics.source.address import PinnedAddress
from earlystop.metrics.source.answer import Sample, Series, parse_matrix, parse_moments, parse_vector
from earlystop.metrics.source.clocks import seconds_ahead
from earlystop.metrics.source.failures import FailureKind, MetricsFailure
from earlystop.metrics.source.transport import DeadlineAdapter, Watch
from earlystop.metrics.templates.range_vectors import RawSeries

DEFAULT_MAX_BYTES = 4 * 1024 * 1024
"""Parsed, an answer takes up to ten times its bytes, and the operator's Pod has 256 MiB."""
LARGE_ANSWER_BYTES = 256 * 1024
_PIECE_BYTES = 64 * 1024
IDLE_SECONDS = 30.0
"""A connection that was idle for longer is not used again. Prometheus closes one after five minutes, proxies and load
balancers after one or six, and some of these say so only to the next request: each look would fail that comes later."""

FLAVOUR_PARAMETERS: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "Prometheus": {},
        # Deduplication makes raw counters dip; a store that does not answer must be an error; downsampled blocks hold
        # other values than were scraped.
        "Thanos": {"dedup": "false", "partial_response": "false", "max_source_resolution": "0s"},
        # Without nocache it silently moves an evaluation time near now into the past.
        "VictoriaMetrics": {"nocache": "1", "deny_partial_response": "1"},
        "Mimir": {},
    }
)
"""Query parameters that make each flavour of source answer exactly."""
EVALUATES_RANGES_ALIKE = frozenset({"Prometheus", "Thanos", "Mimir"})
"""Flavours whose range query finds at each of its moments what an instant query finds there. VictoriaMetrics looks for
the newest sample of a series no further back than a range's step, so it would find targets gone that are well."""

_KIND_OF_STATUS: Mapping[int, FailureKind] = {
    401: FailureKind.UNAUTHORIZED,
    403: FailureKind.UNAUTHORIZED,
    407: FailureKind.UNAUTHORIZED,
    408: FailureKind.TIMEOUT,
    422: FailureKind.NOT_EXECUTED,
    429: FailureKind.THROTTLED,
}


class _SessionWithoutRedirects(requests.Session):
    """requests works out where a redirect leads although nobody follows it: it would take in the whole of its body,
    decompressed, and fail in words of its own at an address that is none."""

    def get_redirect_target(self, resp: requests.Response) -> None:
        """None, so that no redirect is prepared."""


class ExactPrometheus(PrometheusConnect):
    """A metrics source that is asked once per call; threads that share it wait for each other.

    url: http or https base of the API, without `/api/v1`; a user and password in it are used and never shown.
    headers, verify, cert: as in requests. auth: user and password, sent in UTF-8. token: called for every query, since
    tokens rotate. address: where connections go; it may outlive this client, for the next client of the same source.
    parameters: further query parameters, such as `FLAVOUR_PARAMETERS[flavour]`.
    connect_seconds and read_seconds bound one wait each, total_seconds the whole exchange except name resolution,
    which the system's resolver bounds; max_bytes bounds the body. The environment's proxies and .netrc are not used.
    large_answers: a lock that the clients of a process share, so that one answer of more than 256 KiB is parsed and
    used at a time; see `release_answer`. clock: seconds, which never go back. wall_clock: Unix seconds.
    Raises ValueError for a URL that is not plain http or https with a host.
    """

    def __init__(
        self,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        auth: tuple[str, str] | None = None,
        token: Callable[[], str] | None = None,
        verify: bool | str = True,
        cert: str | tuple[str, str] | None = None,
        parameters: Mapping[str, str] | None = None,
        connect_seconds: float = 3.0,
        read_seconds: float = 15.0,
        total_seconds: float = 20.0,
        max_bytes: int = DEFAULT_MAX_BYTES,
        address: PinnedAddress | None = None,
        large_answers: threading.Lock | None = None,
        clock: Callable[[], float] = time.monotonic,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        base = url.rstrip("/")
        self.place = _public_place(base)
        session = _SessionWithoutRedirects()
        session.trust_env = False
        session.verify, session.cert = verify, cert
        known = {**(headers or {}), **({} if auth is None else {"Authorization": _basic(*auth)})}
        super().__init__(url=base, headers=known, session=session, timeout=int(total_seconds))
        self._exact_session = session
        self._transport = DeadlineAdapter(address or PinnedAddress())
        for prefix in (base, "http://", "https://"):  # the first in place of the library's retrying adapter
            session.mount(prefix, self._transport)
        self._token = token
        self._parameters = dict(parameters or {})
        self._waits = (connect_seconds, read_seconds)
        self._total_seconds = total_seconds
        self._max_bytes = max_bytes
        self._turn = threading.Lock()
        self._clock, self._used_at = clock, clock()
        self._wall_clock = wall_clock
        self.seconds_ahead: float | None = None
        """By how many seconds the wall clock was ahead of the source's at the last answer; None where nobody knows."""
        self._large_answers = large_answers or threading.Lock()
        self._holds_large_answer = False

    def instant_vector(self, query: str, at: float) -> list[Sample]:
        """The instant vector of `query` at Unix time `at`. Everything else raises MetricsFailure."""
        content_type, body = self._answer("query", {"query": query, "time": f"{at:.3f}"})
        return parse_vector(body, content_type, self.place, at)

    def vectors(self, query: str, moments: range) -> list[Series]:
        """The instant vectors of `query` at each of these Unix seconds, in one answer: a range query evaluates it at
        each as an instant query does. Everything else raises MetricsFailure. Only sources of a flavour in
        `EVALUATES_RANGES_ALIKE` are asked so."""
        last = moments[-1]
        asked = {"query": query, "start": f"{moments.start}", "end": f"{last}", "step": f"{moments.step}"}
        content_type, body = self._answer("query_range", asked)
        return parse_moments(body, content_type, self.place, moments)

    def range_vector(self, query: str, at: float) -> list[RawSeries]:
        """The samples, as they were scraped, of `selector[window]` at Unix time `at`. Everything else raises
        MetricsFailure. It is an instant query: `query_range` would give values on a grid that nobody scraped."""
        content_type, body = self._answer("query", {"query": query, "time": f"{at:.3f}"})
        return parse_matrix(body, content_type, self.place, at)

    def release_answer(self) -> None:
        """Lets another client take in a large answer, since the last one of this client is no longer needed. The next
        question does so too.

        It is called by the thread that asked.
        """
        if self._holds_large_answer:
            self._holds_large_answer = False
            self._large_answers.release()

    def _answer(self, path: str, asked: Mapping[str, str]) -> tuple[str, bytes]:
        """Content type and body of an answer with status 200. path: of the API, below `/api/v1`. Raises
        MetricsFailure."""
        form = {**asked, "timeout": f"{self._total_seconds:g}s", **self._parameters}
        headers = {**self.headers, "Accept": "application/json", "Accept-Encoding": "identity"}
        if self._token is not None:
            headers["Authorization"] = f"Bearer {_read_token(self._token)}"
        failure: MetricsFailure | None = None
        self.release_answer()
        with self._turn, self._transport.within(self._total_seconds) as watch:
            try:
                content_type, body = self._exchange_over_a_sound_connection(path, form, headers, watch)
            except OSError as error:  # all of requests' own errors too
                failure = self._failure_to_send(error)
            except urllib3.exceptions.HTTPError as error:
                failure = self._failure_to_read(error)
            if watch.expired:
                failure = self._timeout_failure()
        if failure is not None:
            raise failure  # outside of the handler: the library's error holds the URL with its password
        if len(body) > LARGE_ANSWER_BYTES:
            self._large_answers.acquire()  # for as long as another thread computes: none asks anything meanwhile
            self._holds_large_answer = True
        return content_type, body

    def _exchange_over_a_sound_connection(
        self, path: str, form: Mapping[str, str], headers: Mapping[str, str], watch: Watch
    ) -> tuple[str, bytes]:
        """As `_exchange`; once more over a new connection where one that had been idle turned out to be closed. A
        query changes nothing, so it may come twice."""
        if self._clock() > self._used_at + IDLE_SECONDS:
            self._transport.forget_connections()
        opened = self._transport.opened
        try:
            return self._exchange(path, form, headers)
        except requests.ConnectionError:
            if self._transport.opened != opened or watch.expired:
                raise
        finally:
            self._used_at = self._clock()
        self._transport.forget_connections()
        return self._exchange(path, form, headers)

    def _exchange(self, path: str, form: Mapping[str, str], headers: Mapping[str, str]) -> tuple[str, bytes]:
        response = self._exact_session.post(
            f"{self.url}/api/v1/{path}",
            data=form,
            headers=headers,
            timeout=self._waits,
            allow_redirects=False,
            stream=True,
        )
        try:
            if response.status_code != 200:
                raise self._failure_of_status(response.status_code)
            self.seconds_ahead = seconds_ahead(response.headers.get("Date", ""), self._wall_clock())
            return response.headers.get("Content-Type", ""), self._body(response)
        finally:
            response.close()

    def _body(self, response: requests.Response) -> bytes:
        declared = response.headers.get("Content-Length", "")
        if declared.isdecimal() and len(declared) < 20 and int(declared) > self._max_bytes:
            raise self._too_large()
        body = bytearray()
        # Not decoded: compression was not asked for, and a small compressed answer may unpack to gigabytes.
        while piece := response.raw.read(_PIECE_BYTES, decode_content=False):
            body += piece
            if len(body) > self._max_bytes:
                raise self._too_large()
        return bytes(body)

    def _failure_of_status(self, status: int) -> MetricsFailure:
        if 300 <= status < 400:
            kind = FailureKind.REDIRECT
        elif 400 <= status < 500:
            kind = _KIND_OF_STATUS.get(status, FailureKind.REJECTED)
        else:
            kind = FailureKind.SERVER_ERROR if status >= 500 else FailureKind.MALFORMED
        return MetricsFailure(kind, f"{self.place} answered with HTTP status {status}")

    def _failure_to_send(self, error: OSError) -> MetricsFailure:
        if isinstance(error, requests.Timeout | TimeoutError):
            return MetricsFailure(FailureKind.TIMEOUT, f"{self.place} did not answer in time")
        if isinstance(error, requests.exceptions.SSLError):
            return MetricsFailure(FailureKind.TLS_FAILED, f"no trusted TLS connection to {self.place}")
        if isinstance(error, requests.exceptions.InvalidHeader):
            return MetricsFailure(FailureKind.MALFORMED, f"an HTTP header to or from {self.place} is not valid")
        return MetricsFailure(FailureKind.UNREACHABLE, f"{self.place} could not be reached")

    def _failure_to_read(self, error: urllib3.exceptions.HTTPError) -> MetricsFailure:
        if isinstance(error, urllib3.exceptions.TimeoutError):
            return MetricsFailure(FailureKind.TIMEOUT, f"{self.place} stopped in the middle of its answer")
        return MetricsFailure(FailureKind.MALFORMED, f"the answer of {self.place} ended before it was complete")

    def _timeout_failure(self) -> MetricsFailure:
        return MetricsFailure(
            FailureKind.TIMEOUT, f"{self.place} did not finish its answer within {self._total_seconds:g} s"
        )

    def _too_large(self) -> MetricsFailure:
        return MetricsFailure(FailureKind.TOO_LARGE, f"the answer of {self.place} exceeds {self._max_bytes} bytes")


def _public_place(url: str) -> str:
    """Scheme, host and port: what a message may show. Raises ValueError that shows nothing of the URL."""
    place = ""
    with suppress(ValueError):  # its text quotes the URL
        parts = urlsplit(url)
        if parts.scheme in ("http", "https") and parts.hostname and not parts.query and not parts.fragment:
            host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
            place = f"{parts.scheme}://{host}" + (f":{parts.port}" if parts.port is not None else "")
    if not place:
        raise ValueError("the metrics source's URL must read http(s)://host[:port][/path], without query or fragment")
    return place


def _basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def _read_token(token: Callable[[], str]) -> str:
    text = ""
    with suppress(OSError, ValueError):  # reported below, without the error's text
        text = token().strip()
    if not text or not text.isascii() or not text.isprintable():
        raise MetricsFailure(FailureKind.UNAUTHORIZED, "the bearer token could not be read or is not a valid header")
    return text
