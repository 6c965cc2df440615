"""A campaign's token goes into its overlay and nowhere else, and a lost key ends no rollout in a harmful way."""

from __future__ import annotations

import json
import logging
import re
import traceback
from typing import Any

import pytest

from earlystop.api.wire import commitment_in, is_genuine
from earlystop.controller.campaign_tokens import CampaignTokens
from earlystop.controller.cluster import ROUTES, ClusterError
from earlystop.delivery.headers import headers_set
from earlystop.delivery.names import overlay_name
from earlystop.rollout.verify.verdict import differences
from tests.turns import Turns
from tests.unit.controller.embedded_world import World
from tests.unit.controller.memory import Memory
from tests.unit.rollout.traffic import Quality

KEY, OTHER_KEY = b"k" * 32, b"o" * 32
SAVING = Quality(mean_tokens=300, requests=40)
LABEL = "llm/qa"


def world(key: bytes = KEY) -> World:
    made = World(SAVING)
    made.tokens = CampaignTokens(key)
    return made


def led(made: World) -> list[dict[str, str]]:
    """The headers that the overlay sets for each variant."""
    rules: list[dict[str, Any]] = made.api.at(ROUTES, "llm", overlay_name("qa"))["spec"]["rules"]
    return [headers for each in rules for headers in headers_set(each)]


def tokens_led(made: World) -> set[str]:
    return {headers.get("x-early-stop-token", "") for headers in led(made)}


async def restarted(made: World, key: bytes, reconciliations: int = 12) -> None:
    """A new operator with this key, which goes on for a while."""
    made.tokens = CampaignTokens(key)
    made.restart()
    async with made.open():
        for _ in range(reconciliations):
            await made.reconcile()


@pytest.mark.slow
async def test_the_token_of_a_rollout_is_in_its_overlay_and_in_nothing_else(caplog: pytest.LogCaptureFixture) -> None:
    made = world()
    with caplog.at_level(logging.DEBUG):
        async with made.open():
            await made.reconcile_until("Promoted")
            (token,) = tokens_led(made)
            assert len(token) == 64
            made.edit(annotations={"earlystop.dev/abort": made.status["revision"]})
            await made.reconcile_until("RolledBack")
    revision = made.status["revision"]
    assert commitment_in(revision) and is_genuine(LABEL, revision, token)
    holders = [path for path, each in made.api.objects.items() if token in json.dumps(each)]
    assert holders == [ROUTES.path("llm", overlay_name("qa"))]
    assert token not in caplog.text and token not in repr(made.tracked.state) and token not in repr(made.tracked)
    events = [path for path in made.api.objects if "/events/" in path]
    assert len(made.verdicts()) == 2 and len(events) > 3


async def test_an_error_that_repeats_the_overlay_is_told_without_the_token(monkeypatch: pytest.MonkeyPatch) -> None:
    made, sent, call = world(), list[str](), Memory._call

    async def talkative(
        self: Memory, method: str, path: str, body: Any = None, content_type: str = "application/json"
    ) -> Any:
        if method != "GET" and "/httproutes" in path:
            sent.append(json.dumps(body))
            raise ClusterError(500, f"the store failed on {sent[-1]}")
        return await call(self, method, path, body, content_type)

    monkeypatch.setattr(Memory, "_call", talkative)
    async with made.open():
        with pytest.raises(ClusterError, match=r"\(secret\)") as told:
            await made.reconcile_until("Observing")
    (token,) = set(re.findall(r'"x-early-stop-token", "value": "(\w+)"', sent[-1]))
    assert len(token) == 64 and token not in "".join(traceback.format_exception(told.value))


@pytest.mark.slow
async def test_verdicts_of_campaigns_with_a_token_are_recomputed_and_a_changed_commitment_is_found() -> None:
    made = world()
    async with made.open():
        await made.reconcile_until("Promoted")
    (verdict,) = made.verdicts()
    assert differences(verdict["spec"]) == []
    name, _, commitment = verdict["spec"]["revision"].partition("-")
    for forged in (name, f"{name}-{commitment[::-1]}", f"{name[::-1]}-{commitment}"):
        assert "The revision is not that" in " ".join(differences({**verdict["spec"], "revision": forged}))


async def test_a_restart_keeps_token_and_campaign() -> None:
    made = world()
    async with made.open():
        await made.reconcile_until("Observing")
    before = made.status["revision"], tokens_led(made)
    await restarted(made, KEY)
    assert (made.status["revision"], tokens_led(made)) == before


async def test_another_step_has_the_same_token_and_another_campaign_another_one() -> None:
    made = world()
    async with made.open():
        await made.reconcile_until("Observing")
        first = tokens_led(made)
        turns = Turns()
        while made.status["step"] == 0 and turns.another():
            await made.reconcile()
        assert tokens_led(made) == first
        revision = made.status["revision"]
        made.edit(annotations={"earlystop.dev/retry": "again"})
        turns = Turns()
        while made.status["revision"] == revision and turns.another():
            await made.reconcile()
        await made.reconcile_until("Observing")
    (old,), (new,) = first, tokens_led(made)
    assert old != new and not is_genuine(LABEL, made.status["revision"], old)


@pytest.mark.slow
@pytest.mark.parametrize("key", [OTHER_KEY, b""])
async def test_where_the_key_is_lost_a_running_campaign_begins_anew_once(key: bytes) -> None:
    made = world()
    async with made.open():
        await made.reconcile_until("Observing")
    before = made.status
    await restarted(made, key)
    after = made.status
    assert (before["campaign"], after["campaign"]) == (1, 2) and after["revision"] != before["revision"]
    assert bool(commitment_in(after["revision"])) == bool(key)
    await restarted(made, key)
    assert made.status["revision"] == after["revision"]
    assert all(
        is_genuine(LABEL, each["x-early-stop-revision"], each.get("x-early-stop-token", "")) for each in led(made)
    )


@pytest.mark.slow
@pytest.mark.parametrize("key", [OTHER_KEY, b""])
async def test_where_the_key_is_lost_users_keep_what_was_promoted_under_a_revision_that_needs_no_token(
    key: bytes,
) -> None:
    made = world()
    async with made.open():
        await made.reconcile_until("Promoted")
    settings = [each["x-early-stop-param-window"] for each in led(made)]
    revision = made.status["revision"]
    await restarted(made, key)
    assert (made.status["phase"], made.status["revision"]) == ("Promoted", revision)
    assert [each["x-early-stop-param-window"] for each in led(made)] == settings
    assert {each["x-early-stop-revision"] for each in led(made)} == {revision.partition("-")[0]}
    assert tokens_led(made) == {""}


@pytest.mark.slow
async def test_a_campaign_of_an_earlier_release_goes_on_without_a_token_and_the_next_one_has_one() -> None:
    made = world(b"")
    async with made.open():
        await made.reconcile_until("Observing")
    revision = made.status["revision"]
    await restarted(made, KEY)
    assert made.status["revision"] == revision and tokens_led(made) == {""}
    made.edit(annotations={"earlystop.dev/retry": "again"})
    await restarted(made, KEY)
    assert commitment_in(made.status["revision"]) and tokens_led(made) != {""}


async def test_many_forged_requests_are_told_by_the_condition_and_one_event() -> None:
    made = world()
    made.counts.forged = 400.0
    async with made.open():
        turns = Turns()
        while traffic(made)["reason"] != "ForgedRequests" and turns.another():
            await made.reconcile()
        told = traffic(made)
        assert told["status"] == "True" and "About 400 requests" in told["message"]
        assert "NetworkPolicy" in told["message"]
        notes = [each["reason"] for path, each in made.api.objects.items() if "/events/" in path]
        assert notes.count("ForgedRequests") == 1 and "OverlayMisses" not in notes


def traffic(made: World) -> dict[str, str]:
    """The condition TrafficApplied, without words before there is one."""
    found = [each for each in made.status.get("conditions", []) if each["type"] == "TrafficApplied"]
    return found[0] if found else {"reason": ""}
