"""The reference server spoils candidates' answers as it is told to, and counts what it did."""

from __future__ import annotations

import random

import pytest
from aiohttp.test_utils import TestClient, TestServer

from earlystop.api.wire import BASELINE, CANDIDATE, MATCH, MISMATCH, UNSCORED
from earlystop.demo.app import ReferenceServer, ServerSettings
from earlystop.demo.recordings import BUILTIN, load_recordings
from earlystop.demo.replay import Replay, Reply
from earlystop.demo.spoiling import Outcome, Spoiling
from earlystop.demo.voting import Vote

WRONG = Reply(Vote("nope", 40, 5), "mismatch")
RIGHT = Reply(Vote("yes!", 40, 5), "match")


def outcome(spoiling: Spoiling, reply: Reply, variant: str = CANDIDATE) -> Outcome:
    return spoiling.outcome(variant, reply, random.Random(1))


def test_wrong_answers_of_candidates_get_no_score_and_right_ones_keep_theirs() -> None:
    hiding = Spoiling(unscored_wrong=1.0)
    assert (outcome(hiding, WRONG).result, outcome(hiding, RIGHT).result) == (UNSCORED, MATCH)


def test_a_cut_answer_has_half_its_words_and_no_score_and_an_empty_one_is_wrong() -> None:
    cut, empty = outcome(Spoiling(cut=1.0), RIGHT), outcome(Spoiling(empty=1.0), RIGHT)
    assert cut == Outcome("ye", RIGHT.vote.words // 2, UNSCORED, cut=True)
    assert empty == Outcome("", 0, MISMATCH, cut=False)


@pytest.mark.parametrize("every_variant", [False, True])
def test_the_baseline_is_spoilt_only_where_every_variant_is(every_variant: bool) -> None:
    spoiling = Spoiling(unscored_wrong=1.0, every_variant=every_variant)
    assert outcome(spoiling, WRONG, BASELINE).result == (UNSCORED if every_variant else MISMATCH)


@pytest.mark.parametrize("name", ["unscored_wrong", "cut", "empty"])
@pytest.mark.parametrize("fraction", [-0.1, 1.1])
def test_a_fraction_out_of_range_is_refused_by_name(name: str, fraction: float) -> None:
    with pytest.raises(ValueError, match=f"the fraction {name} is"):
        Spoiling(**{name: fraction})  # type: ignore[arg-type]


async def test_a_server_that_spoils_later_answers_as_recorded_until_it_is_told_to_and_after() -> None:
    recorded = load_recordings(BUILTIN)
    settings = ServerSettings(baseline_window=5, spoiling=Spoiling(empty=1.0, every_variant=True), spoils_later=True)
    server = ReferenceServer(Replay(recorded), settings)
    async with TestClient(TestServer(server.application())) as client:
        asked = {"model": "m", "messages": [{"role": "user", "content": recorded[0].question}]}
        texts = []
        for then in (server.begin_spoiling, server.end_spoiling, server.end_spoiling):
            answer = await (await client.post("/v1/chat/completions", json=asked)).json()
            texts.append(answer["choices"][0]["message"]["content"])
            then()
    assert texts[0] and not texts[1] and texts[2] == texts[0]
