"""`judge` on files with query classes, votes and pairs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from earlystop.api.counts import ClassAnswers, Look, Tally
from earlystop.api.policy import PolicySpec
from earlystop.cli.main import app
from earlystop.evidence.engine import assess, replay
from earlystop.rollout.plan import parse_plan, plan_text
from tests.cluster.objects import policy

HEADER = "variant,look,completed,failed,match,mismatch,tokens,tokens_squared"
PAIRS = "pairs_both,pairs_baseline_only,pairs_candidate_only,pairs_neither"
CLASSES = [{"name": "easy", "margin": "0.05"}, {"name": "multi-hop", "margin": "0.1"}]
GUARDRAILS = [
    {"name": "failures", "kind": "FailureRate", "maximumRatio": "1.5"},
    {"name": "unhappy", "kind": "NegativeFeedback", "maximumRatio": "2"},
]


class Judge:
    """The command, with a policy of some objective."""

    def __init__(self, folder: Path, **objective: Any) -> None:
        self.folder = folder
        manifest = policy()
        manifest["spec"]["objective"].update(objective)
        self.objective = parse_plan(plan_text(PolicySpec.model_validate(manifest["spec"]))).objective
        (folder / "policy.yaml").write_text(yaml.safe_dump(manifest))

    def run(self, *lines: str) -> tuple[int, str]:
        path = self.folder / "looks.csv"
        path.write_text("\n".join(lines) + "\n")
        words = ["judge", str(path), "--policy", str(self.folder / "policy.yaml")]
        result = CliRunner().invoke(app, words, env={"COLUMNS": "400"})
        return result.exit_code, result.output

    def __call__(self, *lines: str) -> list[dict[str, Any]]:
        code, output = self.run(*lines)
        assert code == 0, output
        return [json.loads(line) for line in output.splitlines()]


def counts(variant: str, look: int, scored: int, match: int, mean: int, failed: int = 0) -> str:
    return (
        f"{variant},{look},{scored},{failed},{match},{scored - match},{scored * mean},{scored * mean * mean * 5 // 4}"
    )


def both(look: int, scored: int, match: tuple[int, int]) -> list[str]:
    return [counts("baseline", look, scored, match[0], 600), counts("candidate", look, scored, match[1], 300)]


def in_class(look: int, name: str, scored: int, match: tuple[int, int]) -> list[str]:
    return [f"{line},{name}" for line in both(look, scored, match)]


def test_each_line_of_output_has_the_keys_that_scripts_read(tmp_path: Path) -> None:
    judge = Judge(tmp_path)
    for told in judge(HEADER, *both(1, 100, (80, 80)), *both(2, 100, (80, 80))):
        assert {"look", "log_e", "effect", "interval", "verdict"} <= told.keys()
        assert {"promote", "harm", "tokens"} <= told["log_e"].keys()
        assert told["verdict"] in {"Continue", "Promote", "RollBack", "Inconclusive"}
        assert len(told["interval"]) == 2


def test_every_claim_of_the_policy_has_its_name_in_log_e(tmp_path: Path) -> None:
    judge = Judge(
        tmp_path,
        exactMatch={"margin": "0.02", "floor": "0.6"},
        guardrails=GUARDRAILS,
        queryClasses=CLASSES,
        requireEach=True,
    )
    (told,) = judge(
        f"{HEADER},query_class", *in_class(1, "easy", 50, (40, 40)), *in_class(1, "multi-hop", 50, (30, 30))
    )
    assert list(told["log_e"]) == [
        *("promote", "harm", "tokens", "sample_ratio", "floor", "guardrail/failures", "guardrail/unhappy"),
        *("class/easy", "class/multi-hop", "certificate/easy", "certificate/multi-hop"),
    ]
    assert all(isinstance(value, float) for value in told["log_e"].values())


def test_query_classes_of_a_file_give_the_e_values_of_the_engine_to_the_last_digit(tmp_path: Path) -> None:
    judge = Judge(tmp_path, queryClasses=CLASSES)
    lines, looks = [], []
    for look in range(1, 6):
        easy, hop, other = (90, 88 - look), (50, 48), (10, 9)
        lines += (
            in_class(look, "easy", 100, easy) + in_class(look, "multi-hop", 80, hop) + in_class(look, "odd", 12, other)
        )
        arms = []
        for arm, mean in ((0, 600), (1, 300)):
            match = easy[arm] + hop[arm] + other[arm]
            tokens = 192 * mean, sum(scored * mean * mean * 5 // 4 for scored in (100, 80, 12))
            arms.append(
                Tally(completed=192, match=match, mismatch=192 - match, tokens=tokens[0], tokens_squared=tokens[1])
            )
        classes = (ClassAnswers(easy[0], 100 - easy[0], easy[1], 100 - easy[1]), ClassAnswers(50, 30, 48, 32))
        looks.append(Look(look, 0, 50, arms[0], arms[1], classes))
    for number, told in enumerate(judge(f"{HEADER},query_class", *lines), start=1):
        log_e = assess(replay(judge.objective, looks[:number])).log_e
        assert told["log_e"] == {
            "promote": log_e.promote,
            "harm": log_e.harm,
            "tokens": log_e.tokens,
            "sample_ratio": log_e.sample_ratio,
            **{str(claim): value for claim, value in log_e.others},
        }


def test_a_class_that_is_harmed_rolls_back_and_is_named_though_the_mean_is_not(tmp_path: Path) -> None:
    judge = Judge(tmp_path, exactMatch={"margin": "0.1", "assumeIndependent": True}, queryClasses=CLASSES)
    (told,) = judge(
        f"{HEADER},query_class", *in_class(1, "easy", 1900, (1520, 1520)), *in_class(1, "multi-hop", 100, (80, 10))
    )
    assert (told["verdict"], told["harms"]) == ("RollBack", ["class/multi-hop"])


def test_unscored_answers_of_a_line_are_wrong_ones_of_its_class_alone(tmp_path: Path) -> None:
    judge = Judge(tmp_path, exactMatch={"margin": "0.1", "assumeIndependent": True}, queryClasses=CLASSES)
    easy = [f"{line},0" for line in in_class(1, "easy", 1900, (1520, 1520))]
    baseline, wrong = (f"{line},0" for line in in_class(1, "multi-hop", 100, (80, 10)))
    unscored = "candidate,1,100,0,10,0,30000,11250000,multi-hop,90"
    header = f"{HEADER},query_class,unscored"
    ((told,), (as_wrong,)) = (judge(header, *easy, baseline, line) for line in (unscored, wrong))
    assert told["harms"] == as_wrong["harms"] == ["class/multi-hop"]
    em = ("promote", "harm", "class/easy", "class/multi-hop")
    assert [told["log_e"][name] for name in em] == [as_wrong["log_e"][name] for name in em]


def test_a_class_that_only_the_candidate_has_answers_of_keeps_its_look_waiting(tmp_path: Path) -> None:
    judge = Judge(tmp_path, queryClasses=CLASSES)
    early = [*in_class(1, "easy", 100, (80, 80)), f"{counts('candidate', 1, 30, 20, 300)},multi-hop"]
    late = [f"{counts('baseline', 2, 40, 30, 600)},multi-hop"]
    first, second = judge(f"{HEADER},query_class", *early, *late)
    assert first["effect"] is None and set(first["log_e"].values()) == {0.0}
    # The same number, since a look's parts are dealt by it.
    (told,) = judge(f"{HEADER},query_class", *(line.replace(",1,", ",2,", 1) for line in early), *late)
    assert second["effect"] == told["effect"]
    for name in ("promote", "harm"):
        assert second["log_e"][name] == told["log_e"][name] != 0.0


def test_requests_of_looks_that_wait_still_count_when_the_file_says_how_many_started(tmp_path: Path) -> None:
    judge = Judge(tmp_path, queryClasses=CLASSES)
    header = f"{HEADER},query_class,started"
    lines = [f"{counts('baseline', look, 900, 720, 600)},easy,900" for look in (1, 2, 3)] + [
        f"{counts('candidate', look, 30, 20, 300)},multi-hop,30" for look in (1, 2, 3)
    ]
    told = judge(header, *lines)
    assert [each["effect"] for each in told] == [None] * 3
    assert told[-1]["log_e"]["sample_ratio"] > 100 and told[-1]["log_e"]["promote"] == 0.0


def test_votes_break_a_guardrail(tmp_path: Path) -> None:
    judge = Judge(tmp_path, guardrails=GUARDRAILS)
    lines = [f"{counts('baseline', 1, 1000, 800, 600)},30,10", f"{counts('candidate', 1, 1000, 800, 300)},30,90"]
    (told,) = judge(f"{HEADER},feedback_up,feedback_down", *lines)
    assert (told["verdict"], told["harms"]) == ("RollBack", ["guardrail/unhappy"])
    (calm,) = judge(f"{HEADER},feedback_up,feedback_down", lines[0], lines[1].replace(",30,90", ",90,10"))
    assert calm["verdict"] == "Continue"


def test_failures_break_a_guardrail_and_answers_below_the_floor_are_named(tmp_path: Path) -> None:
    judge = Judge(
        tmp_path, exactMatch={"margin": "0.02", "floor": "0.7", "assumeIndependent": True}, guardrails=GUARDRAILS
    )
    (told,) = judge(HEADER, counts("baseline", 1, 1000, 600, 600, 10), counts("candidate", 1, 1000, 600, 300, 90))
    assert told["harms"] == ["floor", "guardrail/failures"]


SOME = "400,6,5,89"
NONE = "0,0,0,0"


@pytest.mark.parametrize(
    ("baseline", "candidate"), [(NONE, SOME), (SOME, NONE), (SOME, SOME)], ids=["candidate", "baseline", "both"]
)
@pytest.mark.parametrize("evidence", ["Answers", "Pairs"])
def test_pairs_may_stand_in_either_line_or_in_both_and_count_once(
    tmp_path: Path, baseline: str, candidate: str, evidence: str
) -> None:
    judge = Judge(tmp_path, exactMatch={"margin": "0.02", "evidence": evidence})
    lines = both(1, 100, (80, 30))
    (told,) = judge(f"{HEADER},{PAIRS}", f"{lines[0]},{baseline}", f"{lines[1]},{candidate}")
    expected = Judge(tmp_path, exactMatch={"margin": "0.02", "evidence": "Pairs"})
    look = Look(1, 0, 50, Tally(), Tally(**dict(zip(PAIRS.split(","), map(int, SOME.split(",")), strict=True))))
    log_e = assess(replay(expected.objective, [look])).log_e
    assert (told["log_e"]["promote"], told["log_e"]["harm"]) == (log_e.promote, log_e.harm)
    assert told["effect"] == (5 - 6) / 500


def test_a_file_with_pairs_is_judged_on_them_and_never_on_its_answers_too(tmp_path: Path) -> None:
    judge = Judge(tmp_path)
    header, lines = f"{HEADER},{PAIRS}", both(1, 1000, (800, 100))
    (told,) = judge(header, f"{lines[0]},{NONE}", f"{lines[1]},{SOME}")
    assert told["verdict"] == "Continue" and told["harms"] == []
    (without,) = judge(header, f"{lines[0]},{NONE}", f"{lines[1]},{NONE}")
    assert without["verdict"] == "RollBack"


def test_looks_without_pairs_wait_where_the_policy_reads_pairs(tmp_path: Path) -> None:
    judge = Judge(tmp_path, exactMatch={"margin": "0.02", "evidence": "Pairs"})
    header, lines = f"{HEADER},{PAIRS}", both(1, 1000, (800, 100))
    told = judge(
        header,
        f"{lines[0]},{NONE}",
        f"{lines[1]},{NONE}",
        f"{counts('baseline', 2, 0, 0, 600)},{NONE}",
        f"{counts('candidate', 2, 0, 0, 300)},{SOME}",
    )
    assert [each["effect"] for each in told] == [None, (5 - 6) / 500]
    assert [each["verdict"] for each in judge(HEADER, *lines)] == ["Continue"]


def test_pairs_of_a_policy_that_names_query_classes_are_refused_by_line_and_column(tmp_path: Path) -> None:
    judge = Judge(tmp_path, queryClasses=CLASSES)
    lines = both(1, 100, (80, 80)) + both(2, 100, (80, 80))
    filled = [f"{line},{SOME if number == 3 else NONE}" for number, line in enumerate(lines)]
    code, output = judge.run(f"{HEADER},{PAIRS}", *filled)
    assert code == 1
    assert "looks.csv, line 5, column pairs_both: the policy names query classes" in output
    assert "remove the pairs or objective.queryClasses" in output
    assert judge.run(f"{HEADER},{PAIRS}", *[f"{line},{NONE}" for line in lines])[0] == 0


@pytest.mark.parametrize("column", ["feedback_up", "feedback_down", *PAIRS.split(",")])
def test_a_vote_or_pair_that_is_no_count_is_named_by_line_and_column(tmp_path: Path, column: str) -> None:
    code, output = Judge(tmp_path).run(f"{HEADER},{column}", f"{counts('baseline', 1, 10, 8, 60)},-3")
    assert code == 1 and f"line 2, column {column}: '-3' is not a count" in output
