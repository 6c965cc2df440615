"""Retention forgets nothing that a later decision depends on, and leaves every chain so that it can be followed."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from functools import cache
from typing import Any

import pytest

from earlystop.rollout.record.checkpoint import checkpoint_object, links_in, record_in
from earlystop.rollout.record.retention import DAY, Retention, StoredVerdict, batch, removable
from earlystop.rollout.search.history import MOST_VERDICTS, HistoryReader
from earlystop.rollout.search.verdict_chain import Chains, Link
from earlystop.rollout.spent_risk import attempts_recorded
from tests.turns import Turns
from tests.unit.rollout.policies import NOW
from tests.unit.rollout.record.chains import chain_of, long_chain, resealed

Manifest = dict[str, Any]
NUMBER = MOST_VERDICTS + 12
LATER = NOW + 10_000 * NUMBER


@cache
def _made() -> str:
    return json.dumps(long_chain(NUMBER))


def verdicts_made() -> list[Manifest]:
    """A chain longer than history reads."""
    found: list[Manifest] = json.loads(_made())
    return found


def of(verdicts: Sequence[Manifest]) -> list[StoredVerdict]:
    return [StoredVerdict.of(each) for each in verdicts]


def names(found: Sequence[StoredVerdict]) -> list[str]:
    return [each.removed.name for each in found]


def without(verdicts: Sequence[Manifest], gone: Sequence[StoredVerdict]) -> list[Manifest]:
    removed = set(names(gone))
    return [each for each in verdicts if each["metadata"]["name"] not in removed]


def test_nothing_is_removed_unless_the_admin_says_so() -> None:
    assert removable(of(verdicts_made()), (), Retention(), LATER) == []
    assert not Retention().removes


@pytest.mark.parametrize("retention", [Retention(verdicts=1), Retention(verdicts=70), Retention(days=1)])
def test_the_oldest_go_first_and_what_history_would_read_stays(retention: Retention) -> None:
    verdicts = verdicts_made()
    gone = removable(of(verdicts), (), retention, 2_000_000_000)
    kept = max(MOST_VERDICTS, retention.verdicts)
    assert names(gone) == [f"qa-{number:03d}" for number in range(NUMBER - kept)]


def test_an_age_alone_removes_nothing_that_is_younger() -> None:
    verdicts = verdicts_made()
    moment = 1_577_836_800 + 5 * 60 + DAY  # a day after the fifth minute of 2020
    assert names(removable(of(verdicts), (), Retention(days=1), moment)) == [f"qa-{number:03d}" for number in range(5)]


def test_history_reads_the_same_verdicts_before_and_after() -> None:
    verdicts = verdicts_made()
    gone = removable(of(verdicts), (), Retention(verdicts=1), LATER)
    checkpoint = record_in(checkpoint_object("qa", "llm", [each.removed for each in gone]))
    before, after = HistoryReader(None), HistoryReader(None)
    for each in verdicts:
        before.add(each)
    for each in without(verdicts, gone):
        after.add(each)
    after.add_removed(links_in(checkpoint))
    assert after.chosen() == before.chosen() != ()


def test_the_chain_is_whole_after_any_number_of_passes_also_after_a_crash_between_checkpoint_and_removal() -> None:
    verdicts, checkpoints = verdicts_made(), []
    links: list[Link] = []
    draw = random.Random(16)
    turns = Turns()
    while (gone := batch(removable(of(verdicts), links, Retention(verdicts=1), LATER), 5)) and turns.another():
        told = {each.digest for each in links}
        untold = [each.removed for each in gone if each.removed.digest not in told]
        if untold:
            checkpoints.append(checkpoint_object("qa", "llm", untold))
            links += links_in(record_in(checkpoints[-1]))
        done = gone[: draw.randint(1, len(gone))]  # the others stay: the operator ends
        verdicts = without(verdicts, done)
        chains = Chains([*links, *map(Link.of, verdicts)])
        assert {chains.problem_of(Link.of(each)) for each in verdicts} == {None}
    assert len(verdicts) == MOST_VERDICTS and len(links) == NUMBER - MOST_VERDICTS


def shared(number: int, attempt: int, candidate: str, previous: str) -> Manifest:
    """A verdict of one of the campaigns that share a risk."""
    verdict = chain_of(1)[0]
    plan = json.loads(verdict["spec"]["plan"])
    plan["attempt"] = attempt
    plan["objective"].setdefault("risk", {})["campaigns"] = 5
    plan["candidates"][0]["values"] = [{"name": "window", "value": candidate}]
    at = f"2030-01-01T{number // 60:02d}:{number % 60:02d}:00Z"
    found = resealed(verdict, plan=json.dumps(plan), previous=previous, at=at)
    found["metadata"] = {**found["metadata"], "name": f"qa-{number:03d}"}
    return found


@pytest.mark.slow
def test_attempts_at_shared_risk_are_not_forgotten_with_old_verdicts() -> None:
    verdicts: list[Manifest] = []
    for number in range(MOST_VERDICTS + 20):
        candidate = str(1 + number) if number < 8 else "30"  # of eight candidates there is one old verdict each
        previous = verdicts[-1]["spec"]["digest"] if verdicts else ""
        verdicts.append(shared(number, 1 + number % 5 if number < 8 else 4, candidate, previous))
    gone = removable(of(verdicts), (), Retention(verdicts=1), LATER)
    assert len(gone) == 12 and {f"qa-{number:03d}" for number in range(8)}.isdisjoint(names(gone))
    before, after = ([each["spec"] for each in found] for found in (verdicts, without(verdicts, gone)))
    assert attempts_recorded(before, "qa") == attempts_recorded(after, "qa") != ()


def test_what_counts_losses_since_a_pinned_baseline_stays() -> None:
    verdicts = verdicts_made()
    verdicts[3]["spec"]["margin"] = {"spentAfter": "0.01"}
    rows = of(verdicts)
    assert rows[3].is_loss and not rows[2].is_loss
    verdicts[4]["spec"] |= {"margin": {"spentBefore": "0.01"}, "reason": "Aborted"}
    assert StoredVerdict.of(verdicts[4]).is_loss, "an abort takes a loss back"


@pytest.mark.parametrize("spoil", ["gap", "fork", "changed"])
def test_of_a_chain_that_is_not_whole_nothing_is_removed(spoil: str) -> None:
    verdicts = verdicts_made()
    if spoil == "gap":
        del verdicts[2]
    elif spoil == "fork":
        rival = resealed(verdicts[2], message="another")
        verdicts.append({**rival, "metadata": {**rival["metadata"], "name": "qa-rival"}})
    else:
        verdicts[2]["spec"]["message"] = "changed"
    assert removable(of(verdicts), (), Retention(verdicts=1), LATER) == []


def test_trials_of_one_search_go_together() -> None:
    rows = of(verdicts_made())[:9]
    searched = [
        StoredVerdict(each.uid, each.removed, each.link, each.subject, (), False, f"uid/{number // 3}")
        for number, each in enumerate(rows)
    ]
    assert len(batch(searched, 4)) == 3 and len(batch(searched, 6)) == 6
    assert len(batch(searched[:3], 2)) == 2, "a search with more trials than fit is not kept for ever"


def test_the_verdict_that_holds_the_looks_of_a_policy_stays_whatever_follows_it() -> None:
    verdicts = of(verdicts_made())
    for place in (0, 3):
        kept = verdicts[place]
        gone = removable(verdicts, (), Retention(verdicts=1), LATER, kept.link.digest)
        assert kept.removed.name not in names(gone) and len(gone) == NUMBER - MOST_VERDICTS - 1
