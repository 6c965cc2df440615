"""Whatever is done to the record of a policy shows: each attack on a chain is told in a sentence."""

from __future__ import annotations

import copy
import json
import time
from functools import cache
from typing import Any

import pytest

from earlystop.api.status.search import TrialStatus
from earlystop.api.verdict import VerdictSpec
from earlystop.rollout.record import chain_report as chain_report_module
from earlystop.rollout.record.chain_report import Published, chain_report
from earlystop.rollout.record.checkpoint import checkpoint_object
from earlystop.rollout.search.verdict_chain import Chains, Link
from earlystop.rollout.verify import earlier_verdict
from earlystop.rollout.verify.verdict import chain_differences
from tests.unit.rollout.in_rows import object_in_rows
from tests.unit.rollout.record.chains import chain_of, long_chain, resealed
from tests.unit.rollout.record.chains import removed as gone_of
from tests.unit.rollout.searching import SAFE_BUT_LAST, World, searched

Manifest = dict[str, Any]


@cache
def _made() -> str:
    return json.dumps(chain_of(4))


def four() -> list[Manifest]:
    found: list[Manifest] = json.loads(_made())
    return found


def names(verdicts: list[Manifest]) -> list[str]:
    return [each["metadata"]["name"] for each in verdicts]


def test_a_whole_chain_has_no_problem_and_ends_at_its_head() -> None:
    verdicts = four()
    head = verdicts[-1]["spec"]["digest"]
    report = chain_report("qa", verdicts, (), [Published("--head", head), Published("--head", "")])
    assert (report.problems, report.notes, report.verdicts, report.head) == ((), (), 4, head)


@pytest.mark.parametrize("missing", [0, 1, 2])
def test_a_verdict_that_somebody_removed_is_a_gap(missing: int) -> None:
    verdicts = four()
    gone = verdicts.pop(missing)
    (problem,) = chain_report("qa", verdicts).problems
    assert gone["spec"]["digest"] in problem and verdicts[missing]["metadata"]["name"] in problem
    assert "somebody did" in problem


@pytest.mark.slow
def test_a_chain_of_a_hundred_that_is_cut_in_its_middle_has_one_gap_and_names_what_follows_it() -> None:
    verdicts = long_chain(100)
    gone = verdicts.pop(50)
    gaps = [each for each in chain_report("qa", verdicts).problems if gone["spec"]["digest"] in each]
    assert len(gaps) == 1 and verdicts[50]["metadata"]["name"] in gaps[0] and "somebody did" in gaps[0]


def test_what_comes_before_each_of_a_thousand_verdicts_is_followed_to_the_first_in_seconds() -> None:
    links = [
        Link("uid-1", f"qa-{number}", f"d{number}", f"d{number - 1}" if number else "", True) for number in range(1500)
    ]
    known = {each.digest: each for each in links}
    begun = time.process_time()
    (last,) = [chain_report_module._before({"spec": {"previous": each.digest}}, known) for each in links][-1:]
    assert last == [each.digest for each in links] and time.process_time() - begun < 3


def test_a_verdict_is_read_and_replayed_once_however_many_are_checked_against_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = World(searched(), SAFE_BUT_LAST)
    world.run()
    verdicts = [json.loads(json.dumps(each)) for each in world.verdicts.values()]
    replayed: list[str] = []
    replays = earlier_verdict.trial_row

    def counted(record: VerdictSpec) -> TrialStatus:
        replayed.append(record.revision)
        return replays(record)

    monkeypatch.setattr(earlier_verdict, "trial_row", counted)
    report = chain_report("qa", verdicts)
    assert len(verdicts) == 3 and report.problems == ()
    assert sorted(replayed) == sorted({each["spec"]["revision"] for each in verdicts[:-1]})


def test_a_gap_before_a_later_decision_of_a_campaign_is_nobodys_for_certain() -> None:
    first, second = four()[:2]
    campaign = {**second["spec"], "revision": first["spec"]["revision"]}
    name = f"{first['metadata']['name']}-2"
    later = {**second, "metadata": {**second["metadata"], "name": name}, "spec": campaign}
    problems = chain_report("qa", [resealed(later)]).problems
    assert any("or an earlier release could not store it" in each for each in problems)


def test_a_cut_tail_shows_against_a_head_that_was_published() -> None:
    verdicts = four()
    gone = verdicts.pop()
    assert chain_report("qa", verdicts).problems == ()
    (problem,) = chain_report("qa", verdicts, (), [Published("The policy's status", gone["spec"]["digest"])]).problems
    assert problem.startswith("The policy's status tells of") and names(verdicts)[-1] in problem
    (empty,) = chain_report("qa", [], (), [Published("--head", gone["spec"]["digest"])]).problems
    assert "from its beginning" in empty


def test_a_verdict_that_is_there_twice_is_told_as_such() -> None:
    verdicts = four()
    twice = copy.deepcopy(verdicts[1])
    twice["metadata"]["name"] = "qa-again"
    problems = chain_report("qa", [*verdicts, twice]).problems
    assert any("one verdict twice" in each and "qa-again" in each for each in problems)


def test_two_verdicts_that_follow_the_same_one_are_a_fork() -> None:
    verdicts = four()
    rival = resealed(verdicts[2], entropy="of-another-hand")
    rival["metadata"]["name"] = "qa-rival"
    problems = chain_report("qa", [*verdicts, rival]).problems
    assert any("follow the same one" in each and "qa-rival" in each for each in problems)


@pytest.mark.parametrize("field", ["message", "effect", "at", "previous", "digest"])
def test_a_changed_record_is_told_with_its_name(field: str) -> None:
    verdicts = four()
    other = {"previous": verdicts[0]["spec"]["digest"], "digest": "sha256:" + "0" * 64}.get(field, "changed")
    verdicts[2]["spec"][field] = other
    problems = chain_report("qa", verdicts).problems
    assert any(each.startswith(names(verdicts)[2]) and "changed after it was made" in each for each in problems)


def test_a_changed_count_shows_in_a_record_whose_digest_was_made_anew() -> None:
    verdicts = four()
    verdicts[1] = object_in_rows(verdicts[1])
    looks = copy.deepcopy(verdicts[1]["spec"]["looks"])
    looks[0][6] -= 3
    looks[0][7] += 3
    verdicts[1] = resealed(verdicts[1], looks=looks)
    problems = chain_report("qa", verdicts).problems
    assert any(each.startswith(f"{names(verdicts)[1]}: The looks") for each in problems)
    assert any("is not there" in each for each in problems), "the one after it names the digest that it had"


@pytest.mark.parametrize("which", [1, 3])
def test_a_route_that_was_renamed_in_a_plan_shows_against_what_follows_it_or_was_published(which: int) -> None:
    verdicts = four()
    head = verdicts[-1]["spec"]["digest"]
    plan = verdicts[which]["spec"]["plan"]
    assert plan.count('"routeRef":{"name":"qa"}') == 1
    renamed = plan.replace('"routeRef":{"name":"qa"}', '"routeRef":{"name":"other"}')
    verdicts[which] = resealed(verdicts[which], plan=renamed)
    problems = chain_report("qa", verdicts, (), [Published("--lease", head)]).problems
    if which == 3:
        (problem,) = problems
        assert problem.startswith("--lease tells of"), "of the latest one nothing in the chain can show it"
    else:
        assert any("is not there" in each for each in problems), "the one after it names the digest that it had"


def test_what_a_newer_release_has_written_is_said_not_to_be_verified_and_the_others_are() -> None:
    verdicts = four()
    plan = json.loads(verdicts[1]["spec"]["plan"])
    verdicts[1] = resealed(verdicts[1], plan=json.dumps({**plan, "engine": 99}))
    verdicts[2] = resealed(verdicts[2], previous=verdicts[1]["spec"]["digest"])
    verdicts[3] = resealed(verdicts[3], previous=verdicts[2]["spec"]["digest"])
    (problem,) = chain_report("qa", verdicts).problems
    assert problem.startswith(f"{names(verdicts)[1]} cannot be recomputed by this release: ")
    assert "99" in problem and "the release that wrote it" in problem


@pytest.mark.slow
def test_what_is_no_verdict_at_all_ends_nothing() -> None:
    broken: list[Manifest] = [{}, {"spec": None}, {"spec": {"digest": 1}}, {"metadata": None, "spec": {}}]
    for each in broken:
        (problem,) = chain_report("qa", [*four(), each]).problems
        assert "cannot be recomputed" in problem


@pytest.mark.parametrize("removed", [(0,), (0, 1), (1, 2)])
def test_what_retention_removed_is_told_apart_from_what_somebody_removed(removed: tuple[int, ...]) -> None:
    verdicts = four()
    checkpoint = checkpoint_object("qa", "llm", gone_of(*(verdicts[each] for each in removed)))
    left = [each for number, each in enumerate(verdicts) if number not in removed]
    report = chain_report("qa", left, [checkpoint])
    assert report.problems == () and report.removed == len(removed)
    (note,) = report.notes
    assert note.startswith(f"Retention removed {len(removed)} verdict") and names(verdicts)[removed[0]] in note
    links = [Link.of(each) for each in left]
    assert Chains([*links, *_links(checkpoint)]).problem_of(links[-1]) is None
    assert chain_differences(left[-1], left, _links(checkpoint)) == []
    assert chain_report("qa", left).problems


@pytest.mark.parametrize("place", [0, 1, 2])
def test_nothing_takes_the_place_of_a_verdict_that_retention_removed(place: int) -> None:
    """Neither a sound record that follows the same one, nor the name of one that is gone."""
    verdicts = four()
    checkpoint = checkpoint_object("qa", "llm", gone_of(*verdicts[:3]))
    after = verdicts[place - 1]["spec"]["digest"] if place else ""
    forged = chain_of(1, after=after, later=150_000)[0]
    left = [verdicts[3], forged]
    report = chain_report("qa", left, [checkpoint])
    assert any(names([forged])[0] in each for each in report.problems)
    assert report.head == verdicts[3]["spec"]["digest"], "the next verdict does not follow the forged one"
    assert chain_differences(forged, left, _links(checkpoint)) and Chains(
        [*map(Link.of, left), *_links(checkpoint)]
    ).problem_of(Link.of(forged))


def test_the_name_of_a_removed_verdict_is_not_used_again() -> None:
    verdicts = four()
    checkpoint = checkpoint_object("qa", "llm", gone_of(*verdicts[:2]))
    forged = chain_of(1, after=verdicts[3]["spec"]["digest"], later=150_000)[0]
    forged["metadata"]["name"] = names(verdicts)[0]
    problems = chain_report("qa", [*verdicts[2:], forged], [checkpoint]).problems
    assert any("has the name of one that retention removed" in each for each in problems)


def _links(checkpoint: Manifest) -> list[Link]:
    return [
        Link(each["policyUid"], each["name"], each["digest"], each.get("previous", ""), True)
        for each in checkpoint["spec"]["removed"]
    ]


def test_a_changed_checkpoint_excuses_nothing() -> None:
    verdicts = four()
    checkpoint = checkpoint_object("qa", "llm", gone_of(verdicts[0]))
    checkpoint["spec"]["removed"].append({**checkpoint["spec"]["removed"][0], "digest": verdicts[1]["spec"]["digest"]})
    problems = chain_report("qa", verdicts[2:], [checkpoint]).problems
    assert any("was changed after it was made" in each for each in problems)
    assert any("somebody did" in each for each in problems)


def test_the_chain_goes_on_over_a_policy_that_is_made_again_under_its_name() -> None:
    first = chain_of(2)
    second = chain_of(2, uid="uid-2", after=first[-1]["spec"]["digest"], later=100_000)
    report = chain_report("qa", [*second, *first])
    assert report.problems == () == report.notes and report.head == second[-1]["spec"]["digest"]
    (problem,) = chain_report("qa", [*second, first[0]]).problems
    assert first[1]["spec"]["digest"] in problem


def test_chains_that_earlier_releases_began_anew_are_a_note_and_no_fault() -> None:
    report = chain_report("qa", [*chain_of(1), *chain_of(1, uid="uid-2", later=50_000)])
    assert report.problems == () and "2 chains begin" in report.notes[0]
