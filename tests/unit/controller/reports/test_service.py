"""A report is served to whoever the API server says may read policy and verdicts, and costs a bounded amount."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp
import pytest

from earlystop.controller.cluster import POLICIES, VERDICTS, ClusterError, Manifest
from earlystop.controller.health import Health, serve
from earlystop.controller.reports import service
from earlystop.controller.reports.access import token_in
from earlystop.controller.reports.service import Reports
from tests.cluster.objects import policy, verdict
from tests.unit.controller.memory import Memory
from tests.unit.report.drawn_verdicts import drawn_chain

UID = "5a1d8c0e-0000-4000-8000-000000000001"
RIGHTS = {"anna": {("get", "earlystoppolicies"), ("list", "earlystopverdicts")}, "half": {("get", "earlystoppolicies")}}
"""What the holder of a token of this name may do in namespace llm."""


class Reviewing(Memory):
    """A cluster that knows tokens by the names of their users. reviews: what it was asked."""

    def __init__(self) -> None:
        super().__init__()
        self.reviews: list[Manifest] = []
        self.held: asyncio.Event | None = None
        self.arrived = asyncio.Semaphore(0)

    async def _call(
        self, method: str, path: str, body: Manifest | None = None, content_type: str = "application/json"
    ) -> Manifest:
        if not path.endswith("reviews"):
            return await super()._call(method, path, body, content_type)
        assert body is not None and method == "POST"
        self.reviews.append(body)
        if self.held is not None:
            self.arrived.release()
            await self.held.wait()
        if self._failures.get("review"):
            raise self._failures["review"].pop(0)
        spec = body["spec"]
        if "token" in spec:
            user = {"username": spec["token"], "groups": ["team"], "uid": "u1"}
            return {"status": {"authenticated": True, "user": user} if spec["token"] in RIGHTS else {}}
        asked = spec["resourceAttributes"]
        may = asked["namespace"] == "llm" and (asked["verb"], asked["resource"]) in RIGHTS.get(spec["user"], set())
        return {"status": {"allowed": may}}


@dataclass(frozen=True, slots=True)
class Served:
    """An operator that serves reports."""

    cluster: Reviewing
    base: str
    session: aiohttp.ClientSession

    async def get(self, path: str, token: str | None = "anna") -> tuple[int, str, Any]:
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        async with self.session.get(f"{self.base}{path}", headers=headers) as response:
            return response.status, await response.text(), response.headers


@asynccontextmanager
async def serving(*verdicts: Manifest, uid: str = UID, status: Manifest | None = None) -> AsyncIterator[Served]:
    cluster = Reviewing()
    written = policy("llm")
    written["metadata"]["uid"] = uid
    written |= {} if status is None else {"status": status}
    cluster.put(POLICIES, written)
    for each in verdicts:
        cluster.put(VERDICTS, each)
    routes = Reports(cluster, lambda: 1_760_009_999.0).routes()
    runner = await serve(Health(lambda: 0.0, lambda: 0.0, list, ready=True), "127.0.0.1", 0, routes)
    try:
        async with aiohttp.ClientSession() as session:
            yield Served(cluster, f"http://127.0.0.1:{runner.addresses[0][1]}", session)
    finally:
        await runner.cleanup()


async def test_who_may_read_the_policy_gets_the_page_of_its_latest_verdict() -> None:
    chain = drawn_chain(2, 6, 7)
    async with serving(*chain, uid=chain[0]["spec"]["policyUid"]) as served:
        status, page, headers = await served.get("/report/llm/qa")
    assert status == 200 and headers["Content-Type"].startswith("text/html")
    assert chain[-1]["spec"]["digest"] in page and "does not verify</h2>" not in page
    assert headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert headers["Cache-Control"] == "no-store" and headers["X-Content-Type-Options"] == "nosniff"
    asked = [each["spec"] for each in served.cluster.reviews]
    assert all(each["groups"] == ["team"] and each["uid"] == "u1" for each in asked[1:]) and len(asked) == 3
    assert served.cluster.calls == []  # nothing is written


@pytest.mark.parametrize("token", [None, "nobody"])
async def test_nobody_else_learns_even_whether_there_is_a_policy(token: str | None) -> None:
    async with serving(verdict("llm")) as served:
        answers = [await served.get(f"/report/llm/{name}", token) for name in ("qa", "other")]
    assert [(status, text) for status, text, _ in answers] == [
        (401, "Send a token of this cluster, as in `Authorization: Bearer TOKEN`.\n")
    ] * 2


@pytest.mark.parametrize(("token", "path"), [("half", "/report/llm/qa"), ("anna", "/report/other/qa")])
async def test_who_may_not_read_policy_and_verdicts_is_told_which_right_is_missing(token: str, path: str) -> None:
    async with serving(verdict("llm")) as served:
        status, text, _ = await served.get(path, token)
    assert status == 403 and "list on earlystopverdicts in namespace" in text


async def test_a_policy_without_a_verdict_has_no_report() -> None:
    async with serving() as served:
        assert [(await served.get(f"/report/llm/{name}"))[0] for name in ("qa", "other")] == [404, 404]


async def test_a_verdict_that_was_changed_is_served_with_a_page_that_says_so_first() -> None:
    changed = verdict("llm")
    changed["spec"]["message"] = "All is well."
    async with serving(changed) as served:
        status, page, _ = await served.get("/report/llm/qa")
    assert status == 200
    assert page.index("This verdict does not verify") < page.index("All is well.")


async def test_an_object_that_is_no_verdict_is_passed_over() -> None:
    broken = {"metadata": {**verdict("llm")["metadata"], "name": "broken"}, "spec": {"policyUid": UID, "policy": "qa"}}
    async with serving(broken, verdict("llm")) as served:
        assert (await served.get("/report/llm/qa"))[0] == 200


async def test_too_many_requests_at_once_or_one_after_another_are_told_to_come_later(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(service, "MOST_AT_ONCE", 2)
    async with serving(verdict("llm")) as served:
        served.cluster.held = asyncio.Event()
        waiting = [asyncio.create_task(served.get("/report/llm/qa")) for _ in range(2)]
        for _ in waiting:
            await served.cluster.arrived.acquire()
        status, _, headers = await served.get("/report/llm/qa")
        assert (status, headers["Retry-After"]) == (503, "5")
        served.cluster.held.set()
        assert [(await each)[0] for each in waiting] == [200, 200]
        statuses = [(await served.get("/report/llm/qa", "nobody"))[0] for _ in range(service.BURST)]
    assert statuses == [401] * (service.BURST - 2) + [503] * 2  # that the third one was refused cost it nothing


def shown(page: str, record: str) -> str:
    """What a page shows of a field of its record."""
    found = re.search(f'data-record="{record}">([^<]*)', page)
    assert found is not None
    return found[1]


@pytest.mark.parametrize("told", ["decision", "previousDigest"])
@pytest.mark.parametrize("seed", [2, 3, 4, 5])
async def test_however_many_verdicts_there_are_the_page_is_about_the_latest_decision(
    seed: int, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "MOST_VERDICTS", 2)
    monkeypatch.setattr(service, "AT_ONCE", 1)
    chain = drawn_chain(seed, 6, 7)  # whose names have another order than their times
    digest = chain[-1]["spec"]["digest"]
    decision = {"name": chain[-1]["metadata"]["name"], "digest": digest}
    status = {"decision": decision} if told == "decision" else {"previousDigest": digest}
    async with serving(*chain, status=status) as served:
        code, page, _ = await served.get("/report/llm/qa")
    assert code == 200 and "does not verify</h2>" not in page
    assert shown(page, "at") == chain[-1]["spec"]["at"]
    assert "This is the latest decision; of those before it only" in page


async def test_nothing_is_shown_where_nobody_says_which_of_many_is_the_latest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "MOST_VERDICTS", 2)
    monkeypatch.setattr(service, "AT_ONCE", 1)
    async with serving(*drawn_chain(2, 6, 7)) as served:
        code, text, _ = await served.get("/report/llm/qa")
    assert (
        code == 409 and "no status of a policy says which is the latest" in text and "kubectl earlystop report" in text
    )


@pytest.mark.parametrize(
    "status", [{"decision": {"name": "qa-other", "digest": "sha256:0"}}, {"previousDigest": "sha256:0"}]
)
async def test_an_earlier_decision_is_not_shown_in_place_of_the_latest_whose_verdict_is_missing(
    status: Manifest,
) -> None:
    async with serving(*drawn_chain(2, 6, 7), status=status) as served:
        code, text, _ = await served.get("/report/llm/qa")
    assert code == 409 and "The verdict of the latest decision of qa" in text


async def test_a_verdict_that_was_put_in_place_of_the_latest_one_is_told_in_red() -> None:
    (only,) = drawn_chain(2)
    status = {"decision": {"name": only["metadata"]["name"], "digest": "sha256:0"}}
    async with serving(only, status=status) as served:
        code, page, _ = await served.get("/report/llm/qa")
    assert code == 200 and "This verdict does not verify" in page
    assert "its latest decision has the digest sha256:0" in page


async def test_what_anybody_wrote_into_a_status_breaks_no_page() -> None:
    for status in ({"decision": None}, {"decision": ["x"]}, {"previousDigest": ""}, {"decision": {"name": ""}}):
        async with serving(verdict("llm"), status=status) as served:
            assert (await served.get("/report/llm/qa"))[0] == 200


async def test_an_api_server_that_fails_is_told_as_such() -> None:
    async with serving(verdict("llm")) as served:
        served.cluster.fail("review", ClusterError(0, "TimeoutError"))
        status, text, _ = await served.get("/report/llm/qa")
    assert status == 502 and "API server" in text and "TimeoutError" not in text


@pytest.mark.parametrize("path", ["/report/llm/..%2fqa", "/report/LLM/qa", "/report/llm/", "/report/llm/qa/more"])
async def test_a_path_that_names_no_policy_asks_the_api_server_nothing(path: str) -> None:
    async with serving(verdict("llm")) as served:
        assert (await served.get(path))[0] == 404
        assert served.cluster.reviews == []


@pytest.mark.parametrize("header", ["", "Basic YTpi", "Bearer ", "Bearer a b", "Bearer " + "x" * 9000, "Bearer \u00e4"])
def test_what_cannot_be_a_token_is_none(header: str) -> None:
    assert token_in(header) is None


async def test_without_the_option_there_is_no_report() -> None:
    runner = await serve(Health(lambda: 0.0, lambda: 0.0, list, ready=True), "127.0.0.1", 0)
    url = f"http://127.0.0.1:{runner.addresses[0][1]}/report/llm/qa"
    async with aiohttp.ClientSession() as session, session.get(url) as response:
        assert response.status == 404
    await runner.cleanup()
