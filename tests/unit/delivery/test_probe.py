"""Probes against a server that plays the gateway and the inference server behind it."""

from __future__ import annotations

from dataclasses import replace
from itertools import count

import aiohttp
import pytest
from aiohttp import web

from earlystop.api.wire import ECHO_HEADER, PROBE_HEADER
from earlystop.delivery.probes.sending import AT_ONCE, probe, probes_needed
from earlystop.delivery.proof import ProbeResult, ProbeTarget, Proof
from tests.unit.closed_port import closed_port
from tests.unit.delivery.cluster import SHARE
from tests.unit.delivery.probe_answers import Handler, served
from tests.unit.every_row import every_row

NONCE = "00ff00ff00ff00ff"


class SteadyGateway:
    """Echoes like a server behind a gateway that splits one request in four to the candidate, unless told else."""

    def __init__(self, revision: str = SHARE.revision, mark: str = ".in-force", every: int = 4) -> None:
        self.requests: list[web.Request] = []
        self._revision, self._mark, self._every = revision, mark, every
        self._numbers = count()

    async def __call__(self, request: web.Request) -> web.StreamResponse:
        self.requests.append(request)
        rare = self._every and next(self._numbers) % self._every == 0
        echo = f"{request.headers[PROBE_HEADER]}{self._mark};{self._revision};{'candidate' if rare else 'baseline'}"
        return web.Response(status=204, headers={ECHO_HEADER: echo})


def asked(url: str, host: str | None = None, weight: int = 25) -> ProbeTarget:
    weights = (("baseline", 100 - weight), ("candidate", weight))
    return ProbeTarget(url, host, NONCE, (("x-model", "qa"),), SHARE.revision, weights)


async def proved(handler: Handler, weight: int = 25, host: str | None = None) -> ProbeResult:
    async with served(handler) as url, aiohttp.ClientSession() as session:
        return await probe(session, [asked(url, host, weight)])


def answers(status: int, headers: dict[str, str] | None = None) -> Handler:
    async def handler(_: web.Request) -> web.StreamResponse:
        return web.Response(status=status, headers=headers)

    return handler


async def test_a_share_is_in_force_when_every_variant_was_seen_and_nothing_else() -> None:
    gateway = SteadyGateway()
    result = await proved(gateway)
    assert result.proof == Proof.IN_FORCE
    assert f"proven by {len(gateway.requests)} probes" in result.message


async def test_a_probe_is_a_completion_request_with_the_nonce_and_what_the_route_asks_for() -> None:
    gateway = SteadyGateway()
    await proved(gateway, host="qa.example.com")
    for request in gateway.requests:
        assert (request.method, request.path) == ("POST", "/v1/chat/completions")
        assert request.headers[PROBE_HEADER] == NONCE
        assert request.headers["Host"] == "qa.example.com"
        assert request.headers["x-model"] == "qa"
        assert request.headers["content-type"] == "application/json"


async def test_a_probe_of_a_rule_that_asks_for_a_content_type_has_it_and_no_other() -> None:
    gateway = SteadyGateway()
    typed = (("Content-Type", "application/json; charset=utf-8"),)
    async with served(gateway) as url, aiohttp.ClientSession() as session:
        result = await probe(session, [replace(asked(url), headers=typed)])
    assert result.proof == Proof.IN_FORCE
    assert {tuple(each.headers.getall("content-type")) for each in gateway.requests} == {(typed[0][1],)}


@pytest.mark.parametrize(("weight", "every"), [(0, 0), (100, 1)])
async def test_when_all_requests_go_one_way_one_variant_is_enough(weight: int, every: int) -> None:
    result = await proved(SteadyGateway(every=every), weight)
    assert result.proof == Proof.IN_FORCE


@pytest.mark.parametrize(("weight", "every"), [(0, 4), (100, 4), (0, 1), (100, 0)])
async def test_a_variant_that_should_get_nothing_shows_that_requests_are_misrouted(weight: int, every: int) -> None:
    result = await proved(SteadyGateway(every=every), weight)
    assert result.proof == Proof.WRONG and "A probe that can only reach" in result.message


async def test_an_echo_of_another_revision_under_the_mark_shows_that_requests_are_misrouted() -> None:
    result = await proved(SteadyGateway(revision="9999999999"))
    assert result.proof == Proof.WRONG and "9999999999" in result.message


async def test_an_echo_without_the_mark_shows_an_earlier_configuration() -> None:
    result = await proved(SteadyGateway(mark=""))
    assert result.proof == Proof.STALE and "earlier configuration" in result.message


async def test_one_stale_answer_among_many_is_no_proof() -> None:
    fresh, stale = SteadyGateway(), SteadyGateway(mark="")
    numbers = count()

    async def mostly_fresh(request: web.Request) -> web.StreamResponse:
        return await (stale if next(numbers) == 11 else fresh)(request)

    assert (await proved(mostly_fresh)).proof == Proof.STALE


async def test_a_variant_that_never_shows_up_is_named() -> None:
    gateway = SteadyGateway(every=0)
    result = await proved(gateway)
    assert result.proof == Proof.WRONG and "reached no candidate" in result.message
    assert probes_needed([75, 25]) <= len(gateway.requests) < probes_needed([75, 25]) + AT_ONCE


@pytest.mark.parametrize("status", [404, 500, 502, 503])
async def test_a_gateway_that_does_not_lead_anywhere_yet_is_asked_again(status: int) -> None:
    result = await proved(answers(status))
    assert result.proof == Proof.NOT_YET and str(status) in result.message


@pytest.mark.parametrize("status", [200, 204, 400, 401, 405])
async def test_a_server_that_does_not_echo_leaves_the_proof_to_the_metrics(status: int) -> None:
    result = await proved(answers(status))
    assert result.proof == Proof.UNSUPPORTED and "the metrics must show the split" in result.message


async def test_a_redirect_is_not_followed() -> None:
    gateway = SteadyGateway()
    async with served(gateway) as elsewhere:
        result = await proved(answers(308, {"Location": elsewhere}))
    assert result.proof == Proof.UNSUPPORTED and gateway.requests == []


@pytest.mark.parametrize(
    "echo", ["", ";", ";;", "nonsense", f"{NONCE}.in-force", f"{NONCE}.in-force;{SHARE.revision};both"]
)
async def test_an_echo_that_says_something_else_is_no_proof(echo: str) -> None:
    assert (await proved(answers(204, {ECHO_HEADER: echo}))).proof in (Proof.STALE, Proof.WRONG)


async def test_a_gateway_that_is_not_there_is_unreachable() -> None:
    with closed_port() as port:
        async with aiohttp.ClientSession() as session:
            result = await probe(session, [asked(f"http://127.0.0.1:{port}/")])
    assert result.proof == Proof.UNREACHABLE and "did not answer" in result.message


async def test_a_gateway_that_hangs_up_is_unreachable() -> None:
    async def hang_up(request: web.Request) -> web.StreamResponse:
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    assert (await proved(hang_up)).proof == Proof.UNREACHABLE


@every_row("weight", range(101))
def test_enough_probes_are_sent_to_meet_the_rarer_variant_with_probability_over_999_in_1000(weight: int) -> None:
    rarer = min(weight, 100 - weight) / 100
    assert probes_needed([100 - weight, weight]) >= 20
    if rarer:
        assert (1 - rarer) ** probes_needed([100 - weight, weight]) < 0.001
