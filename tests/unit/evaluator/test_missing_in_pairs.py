"""From a real server whose baseline fails to a promotion that is held: the evaluator says whose answers are missing,
and the evidence that is read from its page says why nothing is promoted."""

from __future__ import annotations

from dataclasses import replace

import pytest
from aiohttp import web

from earlystop.api.counts import Look, PairAnswers, Tally, Variant, total
from earlystop.evaluator.client import Asker, AskSettings
from earlystop.evaluator.pin import RoutePin
from earlystop.evaluator.questions import GoldenQuestion
from earlystop.evidence import engine
from earlystop.evidence.dispersion_source import DispersionSource
from earlystop.evidence.objective import Basis, Objective, Unscored
from earlystop.evidence.version import FIFTH
from earlystop.metrics.convention.ledger import SeriesKey
from earlystop.rollout.doubts import doubts_of
from earlystop.rollout.state import Comparison
from tests.unit.evaluator.completions import body, message
from tests.unit.evaluator.counted import Page, evaluator
from tests.unit.evaluator.serving import POLICY, listening
from tests.unit.exporter.pages import read

LOOKS, A_LOOK = 10, 20
OBJECTIVE = Objective(
    margin=0.02,
    minimum_saving=0.1,
    risk_promote=0.05,
    risk_harm=0.05,
    basis=Basis.PAIRS,
    source=DispersionSource.BY_DESIGN,
)
BEFORE = replace(OBJECTIVE, engine=FIFTH)


def gateway(failing: str) -> web.Application:
    """Servers of which the baseline is right and the candidate is wrong on one question in ten; one variant fails on
    three others in ten."""

    async def answer(request: web.Request) -> web.StreamResponse:
        variant = request.headers["x-early-stop-golden"]
        number = int((await request.json())["messages"][0]["content"])
        if variant == failing and number % 10 in (2, 5, 8):
            return web.json_response({"error": {"message": "out of memory"}}, status=500)
        is_wrong = variant == "candidate" and number % 10 == 0
        usage = {"prompt_tokens": 1, "completion_tokens": 200 if variant == "candidate" else 300, "total_tokens": 301}
        named = {"revision": "r1", "step": "0", "variant": variant}
        headers = {f"x-early-stop-{name}": text for name, text in named.items()}
        return web.json_response(body(usage, **message("41" if is_wrong else "42")), headers=headers)

    app = web.Application()
    app.router.add_post("/v1/chat/completions", answer)
    return app


def counted(page: Page) -> dict[Variant, Tally]:
    """What the operator reads of the evaluator's page."""
    found = read(page.registry, POLICY, "r1")
    return {each: found.get(SeriesKey(0, each, "default", "evaluator"), Tally()) for each in Variant}


async def looks(failing: str) -> list[Look]:
    """Looks at a campaign whose golden questions are asked of both variants over HTTP."""
    page, found, before = Page(), [], dict.fromkeys(Variant, Tally())
    questions = tuple(GoldenQuestion(str(number), ("42",)) for number in range(1, 1 + LOOKS * A_LOOK))
    async with (
        listening(gateway(failing)) as url,
        Asker(AskSettings(url, "m", retries=0, timeout_seconds=5.0), RoutePin()) as asker,
    ):
        asking = evaluator(page, asker, questions)
        for number, question in enumerate(questions, 1):
            await asking.ask_pair(question)
            if number % A_LOOK == 0:
                now = counted(page)
                baseline, candidate = (now[each] - before[each] for each in Variant)
                found.append(Look(15 * number, 0, 50, baseline, candidate))
                before = now
    return found


@pytest.mark.slow
async def test_a_baseline_that_fails_promotes_no_candidate_and_a_sentence_says_why() -> None:
    seen = await looks("baseline")
    all_pairs = total([each.candidate for each in seen])
    assert all_pairs.pair_answers == PairAnswers(whole=140, without_baseline_right=60)
    assert all_pairs.pairs.candidate_only == 60 and all_pairs.pairs.total == LOOKS * A_LOOK
    assert engine.replay(BEFORE, seen).assessment.verdict is engine.Verdict.PROMOTE
    state = engine.replay(OBJECTIVE, seen)
    assert state.assessment.gaps == (engine.Gap.ATTRITION, engine.Gap.WHOLE_PAIRS)
    (doubt,) = doubts_of(Comparison("w10", state, looks=tuple(seen)))
    assert doubt.reason == "AttritionDiffers"
    assert doubt.message == (
        "More is missing in one variant: of 30.0 % of the pairs the baseline's answer alone failed or could not be "
        "scored, and of 0.0 % the candidate's; 60 right answers of the candidate stand beside a missing one of the "
        "baseline, and 0 the other way round. Each answer of the baseline that is missing speaks for w10, so it is not "
        "promoted. Find why answers are missing, then retry."
    )


@pytest.mark.slow
async def test_a_candidate_that_fails_is_rolled_back_unless_the_policy_leaves_such_pairs_out() -> None:
    seen = await looks("candidate")
    assert engine.replay(OBJECTIVE, seen).assessment.verdict is engine.Verdict.ROLL_BACK
    state = engine.replay(replace(OBJECTIVE, margin=0.5, unscored=Unscored.EXCLUDE), seen)
    assert state.assessment.scored == (140, 140)
    assert state.assessment.gaps == (engine.Gap.ATTRITION,)
    (doubt,) = doubts_of(Comparison("w10", state, looks=tuple(seen)))
    assert "of 0.0 % of the pairs the baseline's answer alone" in doubt.message
    assert "and of 30.0 % the candidate's; 0 right answers of the candidate stand beside" in doubt.message
    assert "the other way round. What is missing may be what w10 gets wrong" in doubt.message
