"""Whatever a receiver does, and whenever the operator is lost: every occurrence arrives in order, or that it did not is
told after the last try; and a rollout waits for none of it."""

from __future__ import annotations

import pytest
from aiohttp import web

from earlystop.controller.hooks import deliverer
from earlystop.controller.hooks.channel import HOOK_TARGETS
from earlystop.controller.hooks.deliverer import LEAST_TRIES, LONGEST_PAUSE_SECONDS, is_given_up, pause_after
from tests.unit.controller.hooks.hook_world import HookWorld, hooked
from tests.unit.controller.hooks.receiver import KEY, target
from tests.unit.controller.reconcile.qualities import HARMFUL, SAVING
from tests.unit.rollout.hooks.occurred import occurred
from tests.unit.rollout.policies import NOW
from tests.unit.rollout.traffic import Quality

ALL_TOLD = ("True", "HooksDelivered")


def ended(made: HookWorld, phase: str) -> bool:
    return made.world.status.get("phase") == phase and made.condition()[:2] == ALL_TOLD


@pytest.mark.parametrize(
    ("quality", "phase", "kind"), [(SAVING, "Promoted", "promoted"), (HARMFUL, "RolledBack", "rolledback")]
)
async def test_a_decision_is_told_once_with_its_verdict(quality: Quality, phase: str, kind: str) -> None:
    async with hooked(quality) as made:
        await made.advance_until(lambda: ended(made, phase))
        (body,) = made.receiver.bodies
        (verdict,) = made.world.verdicts()
    assert body["type"] == f"dev.earlystop.{kind}" and body["sequence"] == "000000000001"
    assert body["data"]["verdict"]["name"] == verdict["metadata"]["name"]
    assert body["data"]["verdict"]["digest"] == verdict["spec"]["digest"]
    assert made.waiting() == 0


async def test_an_operator_that_is_lost_after_it_told_tells_it_again_under_the_same_id() -> None:
    async with hooked(SAVING) as made:
        made.lose_after_telling = True
        await made.advance_until(lambda: ended(made, "Promoted"))
        assert len(made.receiver.ids) == 2 and len(set(made.receiver.ids)) == 1
        assert made.receiver.bodies[0] == made.receiver.bodies[1]


@pytest.mark.slow
async def test_an_operator_that_is_lost_at_any_moment_after_the_decision_tells_it_and_nothing_else() -> None:
    for moment in range(8):
        async with hooked(SAVING) as made:
            await made.advance_until(lambda: "decision" in made.world.status)
            made.restart()
            for _ in range(moment):
                await made.advance()
            made.restart()
            await made.advance_until(lambda: ended(made, "Promoted"))
            assert len(set(made.receiver.ids)) == 1, moment
            assert made.world.status["hooks"]["last"] == 1, moment


@pytest.mark.slow
async def test_all_that_happens_over_campaigns_arrives_once_and_in_order_whatever_the_receiver_answers() -> None:
    async with hooked(HARMFUL) as made:
        made.receiver.answer = lambda number: web.Response(status=(500, 302, 204)[number % 3])
        for campaign in (1, 2, 3):
            await made.advance_until(lambda: ended(made, "RolledBack") and made.world.status["campaign"] == campaign)  # noqa: B023
            made.world.edit(annotations={"earlystop.dev/retry": str(campaign)})
    taken = made.receiver.bodies[2::3]
    kinds = [each["data"]["kind"] for each in taken]
    assert kinds == ["RolledBack", "RolledBack", "RolledBack", "RepeatedFailure"]
    assert [int(each["sequence"]) for each in taken] == [1, 2, 3, 4] and len({each["id"] for each in taken}) == 4
    assert [each["id"] for each in made.receiver.bodies] == [each["id"] for each in taken for _ in range(3)]


async def test_a_receiver_that_fails_is_tried_again_and_told_once() -> None:
    async with hooked(SAVING) as made:
        made.receiver.answer = lambda number: web.Response(status=503 if number < 4 else 200)
        await made.advance_until(lambda: made.condition()[1] == "HookNotDelivered")
        assert "503" in made.condition()[2] and made.waiting() == 1
        await made.advance_until(lambda: ended(made, "Promoted"))
        assert len(made.receiver.ids) == 5 and len(set(made.receiver.ids)) == 1
        assert "HookNotDelivered" in made.world.told() and "HookGivenUp" not in made.world.told()


async def test_a_receiver_over_its_limit_is_tried_again_when_it_says_and_not_before() -> None:
    async with hooked(SAVING) as made:
        made.receiver.answer = lambda number: web.Response(
            status=204 if number else 429, headers={} if number else {"retry-after": "100"}
        )
        await made.advance_until(lambda: len(made.receiver.ids) == 1)
        refused_at = made.world.now
        await made.advance_until(lambda: len(made.receiver.ids) == 2)
        assert 100 <= made.world.now - refused_at < 160
        await made.advance_until(lambda: ended(made, "Promoted") and made.waiting() == 0)


@pytest.mark.parametrize("status", [302, 500])
async def test_a_receiver_that_never_takes_it_is_given_up_aloud_and_the_rollout_has_not_waited(status: int) -> None:
    async with hooked(SAVING, retrySeconds=30) as made:
        made.receiver.answer = lambda _: web.Response(status=status, headers={"location": "/elsewhere"})
        await made.advance_until(lambda: made.world.status.get("phase") == "Promoted")
        promoted_at = made.world.now
        await made.advance_until(lambda: made.condition()[1] == "HookGivenUp")
        assert made.world.now > promoted_at
        assert made.condition()[0] == "False" and str(status) in made.condition()[2]
        assert "HookGivenUp" in made.world.told() and made.waiting() == 0
        assert made.world.status["hooks"]["cursors"] == [
            {"name": "chat", "toldTo": 1, "givenUp": 1, "problem": made.world.status["hooks"]["cursors"][0]["problem"]}
        ]


async def test_an_occurrence_that_the_operator_itself_fails_at_is_given_up_aloud_and_holds_no_later_one_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def failing(*_: object) -> None:
        raise UnicodeError("words that might hold a secret")

    async with hooked(HARMFUL) as made:
        with monkeypatch.context() as patched:
            patched.setattr(deliverer, "post", failing)
            await made.advance_until(lambda: made.condition()[1] == "HookNotDelivered")
            assert "UnicodeError" in made.condition()[2] and "secret" not in made.condition()[2]
            await made.advance_until(lambda: made.condition()[1] == "HookGivenUp")
        assert made.waiting() == 0 and not made.receiver.ids
        made.world.edit(annotations={"earlystop.dev/retry": "1"})
        await made.advance_until(lambda: bool(made.receiver.ids))
    assert made.receiver.bodies[0]["sequence"] == "000000000002"


async def test_one_receiver_that_is_down_holds_no_other_hook_up() -> None:
    hooks = [{"name": each, "targetRef": {"name": each}} for each in ("down", "receiver")]
    async with hooked(SAVING, hooks) as made:
        gone = target("http://127.0.0.1:9/")
        made.world.api.put(HOOK_TARGETS, {**gone, "metadata": {"name": "down"}})
        await made.advance_until(lambda: made.condition()[1] == "HookNotDelivered" and len(made.receiver.ids) == 1)
        assert made.waiting() == 1 and "Hook down" in made.condition()[2]
        await made.advance_until(lambda: made.world.status.get("phase") == "Promoted")


async def test_a_hook_is_told_of_what_it_asks_for_alone() -> None:
    hooks = [{"name": "chat", "targetRef": {"name": "receiver"}, "on": ["RolledBack"]}]
    async with hooked(SAVING, hooks) as made:
        await made.advance_until(lambda: ended(made, "Promoted"))
        assert made.receiver.bodies == [] and made.waiting() == 0


async def test_a_target_that_is_missing_is_told_before_there_is_anything_to_tell_and_found_when_it_comes() -> None:
    async with hooked(SAVING) as made:
        wanted = made.world.api.objects.pop(HOOK_TARGETS.path(None, "receiver"))
        await made.advance_until(lambda: made.condition()[1] == "HookTargetNotFound")
        assert made.receiver.bodies == [] and "ask the cluster's admin" in made.condition()[2]
        made.world.api.put(HOOK_TARGETS, wanted)
        await made.advance_until(lambda: ended(made, "Promoted"))
        assert len(made.receiver.ids) == 1


async def test_hooks_that_are_edited_start_no_campaign_and_are_told_what_happens_from_then_on() -> None:
    async with hooked(SAVING) as made:
        await made.advance_until(lambda: made.world.status.get("phase") == "Observing")
        spec = made.world.policy["spec"]
        made.world.edit_spec({**spec, "hooks": [{"name": "other", "targetRef": {"name": "receiver"}}]})
        await made.advance_until(lambda: ended(made, "Promoted"))
        assert made.world.status["campaign"] == 1 and len(made.receiver.ids) == 1
        made.world.edit_spec({name: value for name, value in made.world.policy["spec"].items() if name != "hooks"})
        await made.advance_until(lambda: made.world.status["hooks"] == {"last": 1})
        assert made.condition() == ("", "", "")


async def test_no_secret_of_a_target_stands_anywhere(caplog: pytest.LogCaptureFixture) -> None:
    async with hooked(SAVING) as made:
        path = made.receiver.url + "T0K3N"
        made.world.api.put(HOOK_TARGETS, target(path))
        made.receiver.answer = lambda number: web.Response(status=500 if number < 2 else 200, text="T0K3N")
        await made.advance_until(lambda: ended(made, "Promoted"))
        assert made.receiver.headers[0]["webhook-signature"]
        stored = {path: each for path, each in made.world.api.objects.items() if "hooktargets" not in path}
        for text in (str(stored), caplog.text):
            assert "T0K3N" not in text and KEY not in text


def test_pauses_between_tries_grow_to_five_minutes() -> None:
    pauses = [pause_after(tries) for tries in range(1, 2000)]
    assert pauses == sorted(pauses) and (pauses[0], pauses[-1]) == (1.0, LONGEST_PAUSE_SECONDS)


def test_what_happened_long_ago_is_tried_a_few_times_all_the_same() -> None:
    long_after = NOW + 1_000_000.0
    assert [is_given_up(occurred(), tries, 60, long_after) for tries in range(LEAST_TRIES + 1)] == [False] * 3 + [True]
    assert not is_given_up(occurred(), 100, 60, NOW + 59.0)
