"""A vote or a label counts once, under the labels of its request; or it is refused, and counts nowhere."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from earlystop.api.counts import Tally
from earlystop.evaluator.feedback.intake import MOST_A_SECOND, SECONDS_BETWEEN_FORGETTING
from earlystop.evaluator.feedback.rules import FeedbackRules
from earlystop.exporter.receipts import Receipts
from earlystop.metrics.convention import ledger
from tests.unit.evaluator.feedback.given import RULES, START, receipt, series, taking
from tests.unit.exporter.pages import assignment, read


def test_a_vote_counts_at_once_with_the_labels_that_its_request_had() -> None:
    told = assignment("candidate", step=3, query_class="math")
    with taking() as process:
        assert process.vote(receipt("candidate", step=3, query_class="math"), "down") == "counted"
        assert process.counts() == {series(told): Tally(feedback_down=1)}


def test_a_label_counts_when_its_request_is_old_enough_and_not_before() -> None:
    with taking() as process:
        assert process.vote(receipt("baseline"), "match") == "held"
        process.clock.now = START + RULES.label_seconds - 1
        assert process.intake.count_due() == 0 and process.counts() == {}
        process.clock.now += 1
        assert process.intake.count_due() == 1
        assert process.counts() == {series(assignment("baseline")): Tally(match=1)}
        assert process.intake.count_due() == 0
        assert process.told() == {("label", "held"): 1, ("label", "counted"): 1}


def test_a_label_that_comes_later_than_others_counted_is_left_out() -> None:
    with taking() as process:
        process.clock.now = START + RULES.label_seconds + 1
        assert process.vote(receipt(), "match") == "late"
        process.clock.now += 1_000
        assert process.intake.count_due() == 0 and process.counts() == {}


def test_quick_and_slow_labels_of_requests_of_one_moment_count_in_one_moment() -> None:
    with taking() as process:
        process.vote(receipt("baseline"), "match")
        process.clock.now = START + RULES.label_seconds - 5
        process.vote(receipt("candidate"), "mismatch")
        process.intake.count_due()
        assert process.counts() == {}
        process.clock.now = START + RULES.label_seconds
        assert process.intake.count_due() == 2


def test_votes_on_campaigns_of_long_ago_never_silence_the_present_one() -> None:
    """However many they are, whenever they come, and however rare votes on the present one are."""
    with taking(now=START - 6_000) as process:
        process.clock.now = START
        for number in range(40):
            old = receipt(revision=f"old{number}", arrived=START - 5_000 - number)
            assert process.vote(old) == ("counted" if number < 16 else "no_room")
        assert process.vote(receipt()) == "counted"
        for hour in range(4):
            process.clock.now += 1_000
            for number in range(16):
                process.vote(receipt(revision=f"late{hour}-{number}", arrived=START - 4_000 - number))
            assert process.vote(receipt(arrived=START + hour)) == "counted"
        assert process.counts() == {series(assignment("candidate")): Tally(feedback_down=5)}


def test_a_campaign_that_lost_its_place_never_comes_back_with_series_that_begin_again() -> None:
    with taking(now=START - 100) as process:
        process.clock.now = START
        for number in range(17):
            assert process.vote(receipt(revision=f"r{number}", arrived=START - 100 + number)) == "counted"
        assert process.vote(receipt(revision="r0", arrived=START)) == "no_room"


def test_one_response_has_one_vote_of_each_kind_however_often_and_however_it_is_sent() -> None:
    one = receipt()
    with taking() as process:
        assert [process.vote(one, said) for said in ("up", "match")] == ["counted", "held"]
        again = [process.vote(text, said) for text in (one, one + "=") for said in ("up", "down", "match", "mismatch")]
        assert set(again) == {"repeated"}
        process.clock.now = START + RULES.label_seconds
        process.intake.count_due()
        assert process.counts() == {series(assignment("candidate")): Tally(match=1, feedback_up=1)}


def test_no_restart_lets_a_vote_be_repeated_and_labels_that_wait_still_count_once(tmp_path: Path) -> None:
    file, thumb, label = tmp_path / "votes", receipt(), receipt("baseline")
    with taking(file) as process:
        assert (process.vote(thumb, "up"), process.vote(label, "mismatch")) == ("counted", "held")
    with taking(file) as process:
        assert (process.vote(thumb, "up"), process.vote(label, "mismatch")) == ("repeated", "repeated")
        process.clock.now = START + RULES.label_seconds
        assert process.intake.count_due() == 1
        assert process.counts() == {series(assignment("baseline")): Tally(mismatch=1)}
    with taking(file, now=START + RULES.label_seconds) as process:
        assert process.intake.count_due() == 0


def test_a_crash_after_a_write_counts_nothing_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file, thumb = tmp_path / "votes", receipt()
    with taking(file) as process:
        monkeypatch.setattr(process.intake.exporter, "feedback", _crash)
        with pytest.raises(KeyboardInterrupt):
            process.vote(thumb, "down")
    with taking(file) as process:
        assert process.vote(thumb, "down") == "repeated"
        process.vote(receipt("baseline"), "match")
        monkeypatch.setattr(process.intake.exporter, "labelled", _crash)
        process.clock.now = START + RULES.label_seconds
        with pytest.raises(KeyboardInterrupt):
            process.intake.count_due()
    with taking(file, now=START + RULES.label_seconds) as process:
        assert process.intake.count_due() == 0 and process.counts() == {}


def _crash(*_: object) -> bool:
    raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("text", "said", "is_labeller", "outcome"),
    [
        ("made up", "up", True, "unknown"),
        (Receipts([b"f" * 20 + b"0123456789ab"]).issue(assignment(), START, is_scored=False), "up", True, "unknown"),
        (receipt(policy="llm/other"), "up", True, "foreign"),
        (receipt(policy="llm/other"), "match", False, "foreign"),
        (receipt(), "match", False, "unauthorized"),
        (receipt(is_scored=True), "match", True, "scored"),
        (receipt(arrived=START - RULES.longest_seconds - 1), "up", True, "expired"),
    ],
)
def test_what_may_not_count_is_refused_with_its_reason(text: str, said: str, is_labeller: bool, outcome: str) -> None:
    with taking(now=START - 2 * RULES.longest_seconds) as process:
        process.clock.now = START
        assert process.vote(text, said, is_labeller=is_labeller) == outcome
        process.clock.now = START + RULES.label_seconds
        process.intake.count_due()
        assert process.counts() == {}
        assert list(process.told().values()) == [1]


def test_a_response_that_its_server_has_scored_takes_votes_all_the_same() -> None:
    with taking() as process:
        assert process.vote(receipt(is_scored=True), "down") == "counted"


def test_votes_on_requests_before_a_new_file_are_refused_since_an_old_file_may_have_held_them(tmp_path: Path) -> None:
    old = receipt(arrived=START - 1)
    with taking(tmp_path / "first", now=START - 10) as process:
        process.clock.now = START
        assert process.vote(old, "up") == "counted"
    with taking(tmp_path / "lost") as process:
        assert process.vote(old, "up") == "expired"


def test_what_was_forgotten_for_its_age_is_refused_also_under_options_that_take_older_votes(tmp_path: Path) -> None:
    file, one = tmp_path / "votes", receipt()
    with taking(file) as process:
        assert process.vote(one, "up") == "counted"
        process.clock.now = START + RULES.longest_seconds + SECONDS_BETWEEN_FORGETTING
        process.intake.count_due()
        assert process.intake.store.oldest > START
    with taking(file, replace(RULES, longest_seconds=10 * RULES.longest_seconds), now=START + 20_000) as process:
        assert process.vote(one, "up") == "expired"


def test_a_clock_that_was_years_ahead_for_a_moment_has_no_vote_refused_once_it_is_right_again(tmp_path: Path) -> None:
    file, before, year = tmp_path / "votes", receipt(), 365 * 86_400
    with taking(file) as process:
        assert process.vote(before, "up") == "counted"
        process.clock.now = START + 70 * year
        process.intake.count_due()
        process.clock.now = START + 5
        assert process.vote(before, "up") == "expired", "it was forgotten, so it must not be repeated"
        assert process.vote(receipt(arrived=START + 3), "up") == "counted"
    with taking(file, now=START + 10) as process:
        assert process.vote(receipt(arrived=START + 8), "up") == "counted"


def test_a_file_that_is_full_takes_no_vote_rather_than_forget_one() -> None:
    with taking(most=1) as process:
        first = receipt()
        assert process.vote(first, "up") == "counted"
        assert process.vote(receipt(), "up") == "unstored"
        assert process.vote(first, "up") == "repeated"


def test_a_flood_is_bounded_and_replays_of_one_receipt_take_no_room_from_others() -> None:
    known = receipt()
    with taking() as process:
        assert process.vote(known, "up") == "counted"
        assert {process.vote(known, "up") for _ in range(3 * MOST_A_SECOND)} == {"repeated"}
        said = [process.vote(receipt(), "down") for _ in range(MOST_A_SECOND + 10)]
        assert said == ["counted"] * (MOST_A_SECOND - 1) + ["too_many"] * 11
        process.clock.now += 1
        assert process.vote(receipt(), "down") == "counted"


def test_replays_do_not_change_what_is_said_of_how_long_votes_take() -> None:
    one = receipt()
    with taking() as process:
        process.clock.now = START + 30
        process.vote(one, "up")
        process.clock.now = START + 5_000
        process.vote(one, "up")
        name = "earlystop_evaluator_vote_delay_seconds_sum"
        assert process.registry.get_sample_value(name, {"kind": "sentiment"}) == 30


def test_a_vote_that_was_refused_for_a_flood_counts_when_it_is_sent_again() -> None:
    with taking() as process:
        for _ in range(MOST_A_SECOND):
            process.vote(receipt(), "down")
        late = receipt("baseline")
        assert process.vote(late, "up") == "too_many"
        process.clock.now += 1
        assert process.vote(late, "up") == "counted"


def test_a_label_after_its_step_is_evidence_of_that_step_and_of_no_other() -> None:
    with taking() as process:
        process.vote(receipt("candidate", step=1), "match")
        process.vote(receipt("candidate", step=2), "mismatch")
        process.clock.now = START + RULES.label_seconds
        process.intake.count_due()
        book = ledger.merge(ledger.drop_steps_before(ledger.Ledger(), 2), read(process.registry))
    assert ledger.totals(book, 2)["candidate"] == Tally(mismatch=1)
    assert ledger.totals(ledger.drop_steps_before(book, 2), 1)["candidate"] == Tally()


def test_labels_that_wait_longer_than_votes_are_taken_are_refused_at_the_start() -> None:
    with pytest.raises(ValueError, match="--label-seconds of 0 or more, and --longest-seconds that are not fewer"):
        FeedbackRules(("llm/qa",), longest_seconds=60, label_seconds=61)
