"""Every way in which a metrics source can fail, provoked over a real socket, has its own name and leaks nothing."""

from __future__ import annotations

import gzip
import json
import socketserver
import threading
import traceback

import pytest

from earlystop.metrics.convention.reader import CountRequest, read_counts
from earlystop.metrics.source.client import ExactPrometheus
from earlystop.metrics.source.failures import FailureKind, MetricsFailure
from tests.unit.closed_port import closed_port
from tests.unit.every_row import every_row
from tests.unit.metrics.source.faulty_server import (
    DRIP_SECONDS,
    MAX_DRIPS,
    SECRET,
    Answer,
    Handler,
    count_row,
    raw_server,
    serving,
    vector,
)

IMPATIENT = {"connect_seconds": 0.3, "read_seconds": 0.3, "total_seconds": 0.5}
REQUEST = CountRequest("llm/qa", "r1", 60)
LIMIT = 100_000


def client_of(url: str, **changes: object) -> ExactPrometheus:
    settings: dict[str, object] = {"headers": {"X-Scope-OrgID": "SECRET-TENANT"}, **changes}
    with_password = url.replace("://", "://user:SECRET-PASSWORD@")
    return ExactPrometheus(with_password, token=lambda: "SECRET-TOKEN", max_bytes=LIMIT, **settings)  # type: ignore[arg-type]


def status(code: int, **headers: str) -> Answer:
    return lambda handler: handler.reply(code, SECRET.encode(), **headers)


def body(content: bytes, content_type: str = "application/json", **headers: str) -> Answer:
    return lambda handler: handler.reply(200, content, content_type, **headers)


def hang(handler: Handler) -> None:
    handler.server.over.wait(10)


def drip_the_head(handler: Handler) -> None:
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    handler.drip(b"a")


def drip_the_body(handler: Handler) -> None:
    handler.send_response(200)
    handler.send_header("Content-Length", str(LIMIT))
    handler.end_headers()
    handler.drip(b" ")


def drip_a_redirect(handler: Handler) -> None:
    handler.send_response(302)
    handler.send_header("Location", "/elsewhere")
    handler.send_header("Transfer-Encoding", "chunked")
    handler.end_headers()
    handler.drip(b"1\r\n \r\n")


def drip_chunks(handler: Handler) -> None:
    handler.send_response(200)
    handler.send_header("Transfer-Encoding", "chunked")
    handler.end_headers()
    handler.drip(b"1\r\n \r\n")


def huge_without_length(handler: Handler) -> None:
    handler.send_response(200)
    handler.send_header("Transfer-Encoding", "chunked")
    handler.end_headers()
    for _ in range(100):
        handler.wfile.write(b"2000\r\n" + b" " * 0x2000 + b"\r\n")


def hang_up_in_the_body(handler: Handler) -> None:
    handler.reply(200, vector(count_row("1"))[:-20], Content_Length="100000")
    handler.close_connection = True


GOOD = vector(count_row("1"))
RANGE = json.dumps({"status": "success", "data": {"resultType": "matrix", "result": [SECRET]}}).encode()
ODD_ROW = json.dumps({"status": "success", "data": {"resultType": "vector", "result": [{"metric": SECRET}]}}).encode()
ODD_VALUE = vector(count_row(SECRET))
ERROR_200 = json.dumps({"status": "error", "error": SECRET}).encode()

FAULTS: dict[str, tuple[Answer, FailureKind]] = {
    "a hang": (hang, FailureKind.TIMEOUT),
    "a head that drips": (drip_the_head, FailureKind.TIMEOUT),
    "a body that drips": (drip_the_body, FailureKind.TIMEOUT),
    "chunks that drip": (drip_chunks, FailureKind.TIMEOUT),
    "401": (status(401), FailureKind.UNAUTHORIZED),
    "403": (status(403), FailureKind.UNAUTHORIZED),
    "400": (status(400), FailureKind.REJECTED),
    "404": (status(404), FailureKind.REJECTED),
    "422": (status(422), FailureKind.NOT_EXECUTED),
    "error with 200": (body(ERROR_200), FailureKind.REJECTED),
    "429": (status(429, Retry_After="0"), FailureKind.THROTTLED),
    "500": (status(500), FailureKind.SERVER_ERROR),
    "503": (status(503, Retry_After="0"), FailureKind.SERVER_ERROR),
    "302": (status(302, Location="/elsewhere"), FailureKind.REDIRECT),
    "308": (status(308, Location="/elsewhere"), FailureKind.REDIRECT),
    "a redirect to no address": (status(302, Location="http://["), FailureKind.REDIRECT),
    "a redirect to a secret": (status(307, Location="http://SECRET.example/SECRET"), FailureKind.REDIRECT),
    "a redirect without end": (drip_a_redirect, FailureKind.REDIRECT),
    "a compressed redirect": (
        lambda handler: handler.reply(302, gzip.compress(bytes(LIMIT)), Location="/x", Content_Encoding="gzip"),
        FailureKind.REDIRECT,
    ),
    "204": (status(204), FailureKind.MALFORMED),
    "HTML": (body(b"<html>SECRET-BODY</html>", "text/html"), FailureKind.NOT_JSON),
    "an empty body": (body(b""), FailureKind.NOT_JSON),
    "a JSON list": (body(b'["SECRET-BODY"]', "text/plain"), FailureKind.NOT_JSON),
    "gzip": (body(gzip.compress(GOOD), Content_Encoding="gzip"), FailureKind.NOT_JSON),
    "cut JSON": (body(GOOD[:-20]), FailureKind.MALFORMED),
    "a hang-up in the body": (hang_up_in_the_body, FailureKind.MALFORMED),
    "JSON nested too deep": (body(b'{"a":' + b"[" * 90_000), FailureKind.MALFORMED),
    "no status": (body(b"{}"), FailureKind.MALFORMED),
    "a matrix": (body(RANGE), FailureKind.MALFORMED),
    "a row without labels": (body(ODD_ROW), FailureKind.MALFORMED),
    "a value that is text": (body(ODD_VALUE), FailureKind.MALFORMED),
    "a time that is text": (body(vector(count_row("1"), at=SECRET)), FailureKind.MALFORMED),  # type: ignore[arg-type]
    "another time": (body(vector(count_row("1"), at=-30)), FailureKind.TIME_MOVED),
    "warnings": (body(vector(count_row("1"), warnings=[SECRET])), FailureKind.PARTIAL),
    "isPartial": (body(vector(count_row("1"), isPartial=True)), FailureKind.PARTIAL),
    "NaN": (body(vector(count_row("NaN"))), FailureKind.NOT_A_COUNT),
    "Inf": (body(vector(count_row("+Inf"))), FailureKind.NOT_A_COUNT),
    "a negative count": (body(vector(count_row("-1"))), FailureKind.NOT_A_COUNT),
    "a fraction": (body(vector(count_row("1.5"))), FailureKind.NOT_A_COUNT),
    "a count beyond 2^53": (body(vector(count_row("9007199254740994"))), FailureKind.NOT_A_COUNT),
    "a huge body": (body(b" " * (LIMIT + 1)), FailureKind.TOO_LARGE),
    "a huge body of unknown length": (huge_without_length, FailureKind.TOO_LARGE),
    "no series": (body(vector()), FailureKind.NO_DATA),
}


def failure_of(client: ExactPrometheus) -> MetricsFailure:
    result = read_counts(client, [REQUEST], at=0)[REQUEST.policy]
    assert isinstance(result, MetricsFailure), result
    return result


def assert_tells_no_secret(failure: MetricsFailure) -> None:
    assert failure.__cause__ is None
    assert failure.__context__ is None
    told = [str(failure), repr(failure), failure.message, *traceback.format_exception(failure)]
    assert not [text for text in told if "SECRET" in text]
    assert failure.kind in str(failure)


@pytest.mark.slow
@every_row("fault", FAULTS)
def test_each_fault_has_its_kind_and_leaves_no_secret_in_the_message(fault: str) -> None:
    answer, kind = FAULTS[fault]
    with serving(answer) as server:
        failure = failure_of(client_of(server.url, **(IMPATIENT if kind is FailureKind.TIMEOUT else {})))
    assert failure.kind is kind
    assert_tells_no_secret(failure)
    assert not server.dripped_to_the_end
    assert [path for path, _, _ in server.requests] == ["/api/v1/query"], "asked once: no retry, no redirect"


def test_a_refused_connection_is_unreachable() -> None:
    with closed_port() as port:
        failure = failure_of(client_of(f"http://127.0.0.1:{port}"))
    assert failure.kind is FailureKind.UNREACHABLE
    assert_tells_no_secret(failure)


def test_a_peer_that_speaks_no_http_is_unreachable() -> None:
    def write(peer: socketserver.StreamRequestHandler, over: threading.Event) -> None:
        peer.rfile.readline()
        peer.wfile.write(b"SECRET-BODY\r\n\r\n")

    with raw_server(write) as port:
        failure = failure_of(client_of(f"http://127.0.0.1:{port}"))
    assert failure.kind is FailureKind.UNREACHABLE
    assert_tells_no_secret(failure)


def test_a_peer_without_tls_gives_no_trusted_connection_by_https() -> None:
    with serving(body(GOOD)) as server:
        failure = failure_of(client_of(server.url.replace("http:", "https:")))
    assert failure.kind is FailureKind.TLS_FAILED
    assert "TLS" in failure.message
    assert_tells_no_secret(failure)


def test_a_tls_handshake_that_drips_is_a_timeout() -> None:
    def write(peer: socketserver.StreamRequestHandler, over: threading.Event) -> None:
        peer.wfile.write(b"\x16\x03\x03\x3f\x00\x02\x00\x3e\xfc")  # a handshake record of 16128 bytes begins
        for _ in range(MAX_DRIPS):
            if over.wait(DRIP_SECONDS):
                return
            peer.wfile.write(b"\x00")

    with raw_server(write) as port:
        failure = failure_of(client_of(f"https://127.0.0.1:{port}", **IMPATIENT))
    assert failure.kind is FailureKind.TIMEOUT
    assert_tells_no_secret(failure)


def test_a_drip_on_a_connection_kept_alive_ends_too() -> None:
    with serving(body(GOOD)) as server:
        client = client_of(server.url, total_seconds=1.0)
        client.instant_vector("up", 0.0)
        server.answer = drip_the_body
        assert failure_of(client).kind is FailureKind.TIMEOUT
    assert not server.dripped_to_the_end


def test_after_a_drip_the_same_client_reads_again() -> None:
    with serving(drip_the_body) as server:
        client = client_of(server.url, total_seconds=1.0)
        assert failure_of(client).kind is FailureKind.TIMEOUT
        server.answer = body(GOOD)
        assert not isinstance(read_counts(client, [REQUEST], at=0)["llm/qa"], MetricsFailure)


def test_every_kind_of_failure_says_what_to_do() -> None:
    for kind in FailureKind:
        assert "; " in MetricsFailure(kind, "it happened").message
