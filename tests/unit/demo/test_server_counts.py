"""What the reference server counts: exactly what it did, under the variant that the headers named."""

from __future__ import annotations

import asyncio
import random
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from earlystop.api.counts import Tally
from earlystop.api.wire import BY_USER_GROUP, user_group
from earlystop.demo.app import ServerSettings
from earlystop.demo.recordings import Recording
from tests.turns import Turns
from tests.unit.demo.recorded import recordings
from tests.unit.demo.server_counts import ask_all, tally_of
from tests.unit.demo.serving import NOBODY, POLICY, REVISION, ask, serving, settings_in_force, tallies, told


@pytest.mark.slow
async def test_each_variant_is_counted_by_itself_in_mixed_traffic() -> None:
    rng = random.Random(7)
    asked: dict[tuple[str, int], list[Recording]] = {("baseline", 40): [], ("candidate", 5): []}
    async with serving() as (client, _):
        for _ in range(300):
            arm = ("candidate", 5) if rng.random() < 0.25 else ("baseline", 40)
            recording = recordings()[int(rng.random() * len(recordings()))]
            asked[arm].append(recording)
            assert (await ask(client, recording.question, told(*arm, step=1))).status == 200
        counted = await tallies(client)
        assert await settings_in_force(client) == {(REVISION, "baseline", "40"), (REVISION, "candidate", "5")}
    assert counted == {(REVISION, "1", variant): tally_of(those, window) for (variant, window), those in asked.items()}


async def test_steps_and_revisions_have_counts_of_their_own() -> None:
    question = recordings()[0].question
    async with serving() as (client, _):
        for revision, step in [("r1", 0), ("r1", 1), ("r1", 1), ("r2", 0)]:
            await ask(client, question, told("candidate", 5, revision, step))
        started = {key: tally.started for key, tally in (await tallies(client)).items() if tally.started}
    assert started == {("r1", "0", "candidate"): 1, ("r1", "1", "candidate"): 2, ("r2", "0", "candidate"): 1}


async def test_a_variant_is_at_zero_on_metrics_before_its_first_request() -> None:
    async with serving() as (client, _):
        await ask(client, recordings()[0].question, told("candidate"))
        assert (await tallies(client))[REVISION, "0", "baseline"] == Tally()


@pytest.mark.slow
async def test_requests_without_headers_get_the_baseline_window_and_are_unassigned() -> None:
    recorded = list(recordings())[:40]
    async with serving() as (client, _):
        await ask_all(client, recorded, {})
        assert await tallies(client) == {NOBODY: tally_of(recorded, 40)}


async def test_requests_of_one_user_count_for_one_group_by_the_header_that_the_settings_name() -> None:
    recording = recordings()[0]
    async with serving(ServerSettings(user_header="x-user")) as (client, _):
        for user in ("alice", "alice", "bob"):
            await ask(client, recording.question, {**told("candidate", 5), "x-user": user})
        page = await (await client.get("/metrics")).text()
    found = {
        sample.labels["user_group"]: sample.value
        for family in text_string_to_metric_families(page)
        for sample in family.samples
        if sample.name == BY_USER_GROUP and sample.labels["event"] in ("match", "mismatch", "unscored")
    }
    groups = [str(user_group(POLICY, REVISION, "", user)) for user in ("alice", "bob")]
    assert groups[0] != groups[1] and found == {groups[0]: 2, groups[1]: 1}


async def test_a_drain_ends_only_when_the_running_requests_are_counted() -> None:
    recording = recordings()[0]
    async with serving(ServerSettings(milliseconds_per_word=10)) as (client, server):
        running = asyncio.create_task(ask(client, recording.question, told("candidate", 5)))
        async with asyncio.timeout(15):
            turns = Turns()
            while not (await tallies(client)).get((REVISION, "0", "candidate"), Tally()).started and turns.another():
                pass
        await server.drain()
        assert (await tallies(client))[REVISION, "0", "candidate"] == tally_of([recording], 5)
        assert (await running).status == 200


async def test_wrong_answers_alone_are_slow_when_the_server_is_told_so() -> None:
    right, wrong = (next(each for each in recordings() if tally_of([each], 5).mismatch == rest) for rest in (0, 1))
    async with serving(ServerSettings(slow_wrong_answers=30)) as (client, _):
        running = asyncio.create_task(ask(client, wrong.question, told("candidate", 5)))
        await ask(client, right.question, told("candidate", 5))
        async with asyncio.timeout(15):
            turns = Turns()
            while (tally := (await tallies(client))[REVISION, "0", "candidate"]).started < 2 and turns.another():
                pass
        running.cancel()
    assert (tally.match, tally.mismatch) == (1, 0)


async def test_every_process_counts_under_an_id_of_its_own() -> None:
    ids: set[str] = set()
    for _ in range(2):
        async with serving() as (client, _):
            await ask(client, recordings()[0].question, told())
            async with client.get("/metrics") as response:
                ids.update(part.split('"')[1] for part in (await response.text()).split("process=")[1:])
    assert len(ids) == 2


async def test_the_seventeenth_revision_is_unassigned_and_the_first_sixteen_go_on() -> None:
    question = recordings()[0].question
    async with serving() as (client, _):
        for number in range(40):
            response = await ask(client, question, told(revision=f"r{number}"))
            assert response.headers["x-early-stop-revision"] == (f"r{number}" if number < 16 else "unassigned")
        for number in range(16):
            await ask(client, question, told(revision=f"r{number}"))
        counted = await tallies(client)
    assert {revision for revision, _, _ in counted} == {f"r{number}" for number in range(16)} | {"unassigned"}
    assert all(counted[f"r{number}", "0", "candidate"].completed == 2 for number in range(16))
    assert counted[NOBODY].completed == 24


async def test_a_server_that_names_its_policies_counts_no_other_and_tells_of_no_other() -> None:
    question = recordings()[0].question
    async with serving(ServerSettings(policies=(POLICY,), names_variants=True)) as (client, _):
        other = await ask(client, question, told(policy="a/b"))
        assert (other.status, other.headers["x-early-stop-variant"]) == (200, "unassigned")
        own = await ask(client, question, told())
        assert own.headers["x-early-stop-variant"] == "candidate"
        counted = await tallies(client)
    assert {key: tally.completed for key, tally in counted.items() if tally.completed} == {
        NOBODY: 1,
        (REVISION, "0", "candidate"): 1,
    }


def test_a_policy_that_a_server_names_without_its_namespace_is_refused() -> None:
    with pytest.raises(ValueError, match="namespace/name"):
        ServerSettings(policies=("qa",))


@pytest.mark.slow
async def test_forged_revisions_never_end_the_count_of_one_in_use() -> None:
    question = recordings()[0].question
    async with serving() as (client, _):
        await ask(client, question, told())
        for number in range(100):
            await ask(client, question, told(revision=f"forged-{number}"))
        await ask(client, question, told())
        assert (await tallies(client))[REVISION, "0", "candidate"].completed == 2


async def test_an_incumbent_is_counted_beside_the_two_that_are_compared() -> None:
    recorded = list(recordings())[:5]
    async with serving() as (client, _):
        await ask_all(client, recorded, told("incumbent", 10, "r1"))
        counted = await tallies(client)
        assert await settings_in_force(client) == {("r1", "incumbent", "10")}
    assert counted == {
        ("r1", "0", "baseline"): Tally(),
        ("r1", "0", "candidate"): Tally(),
        ("r1", "0", "incumbent"): tally_of(recorded, 10),
    }


async def test_query_classes_are_counted_apart_and_a_class_that_nobody_named_is_the_default_one() -> None:
    recording = recordings()[0]
    async with serving(ServerSettings(class_header="x-query-class", classes=("lookup", "proof"))) as (client, _):
        for said in ("lookup", "lookup", "proof", "made-up", ""):
            headers = {**told("candidate", 5), **({"x-query-class": said} if said else {})}
            assert (await ask(client, recording.question, headers)).status == 200
        page = await (await client.get("/metrics")).text()
    found = {
        sample.labels["query_class"]: sample.value
        for family in text_string_to_metric_families(page)
        for sample in family.samples
        if sample.name == "earlystop_requests_started_total" and sample.labels["variant"] == "candidate"
    }
    assert found == {"lookup": 2, "proof": 1, "default": 2}


@pytest.mark.parametrize("wrong", [{"classes": ("lookup",)}, {"class_header": "x"}, {"classes": ("two words",)}])
def test_query_classes_that_cannot_be_counted_are_refused_at_the_start(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="query class"):
        ServerSettings(**wrong)
