"""Verdicts in the words of earlier releases: what a release said of evidence is read, and what users wrote is not."""

from __future__ import annotations

import re
from typing import Any

import pytest

from earlystop.rollout.formatting import DURATION, in_duration
from earlystop.rollout.state import RolloutState
from earlystop.rollout.verdict import digest_of, verdict_spec
from earlystop.rollout.verify.earlier_words import sentence_pattern
from earlystop.rollout.verify.verdict import differences
from tests.unit.rollout.policies import UID, policy, started
from tests.unit.rollout.states import REACHED, aborted, promoted_now
from tests.unit.rollout.traffic import HARMFUL, Server, decided


def _record(state: RolloutState) -> dict[str, Any]:
    return verdict_spec("qa", UID, state)


def _requested(verb: str, by: str) -> dict[str, Any]:
    return _record((aborted if verb == "abort" else promoted_now)(REACHED["observing"], by))


@pytest.mark.parametrize("verb", ["abort", "promote"])
@pytest.mark.parametrize("by", ["user shown", "user certified", "user proven", "user a.proven@example.com"])
def test_a_verdict_that_a_person_asked_for_can_be_recomputed_whatever_the_person_is_called(verb: str, by: str) -> None:
    assert differences(_requested(verb, by)) == []


@pytest.mark.parametrize(("by", "forged"), [("user proven", "user shown"), ("user certified", "user proven")])
def test_no_word_of_a_person_s_name_stands_for_another(by: str, forged: str) -> None:
    record = _requested("promote", by)
    assert by in record["message"]
    record["message"] = record["message"].replace(by, forged)
    record["digest"] = digest_of(record)
    assert differences(record) != []


def test_the_deadline_is_read_in_the_words_of_any_release() -> None:
    record = _record(REACHED["rolled back before any look"])
    changed = {"1 h": "3600 s", "proven": "shown", "was proven": "was said", "within 1 h": "within a while"}
    rights = (True, True, False, False)
    for (now, word), is_right in zip(changed.items(), rights, strict=True):
        said = {**record, "message": record["message"].replace(now, word)}
        said["digest"] = digest_of(said)
        assert (differences(said) == []) is is_right, word


@pytest.mark.parametrize(("log_e", "is_right"), [(None, True), ("9.000", False)])
def test_what_a_person_left_unproven_is_read_with_the_logarithms_of_earlier_releases(
    log_e: str | None, is_right: bool
) -> None:
    record = _requested("promote", "user alice")
    now = re.compile(r"; (?:no sign yet; 1 in 20 is needed|1 in [\d.]+ so far, needs 1 in 20)\)")
    values = [log_e or float(record["logE"][claim]) for claim in ("promote", "tokens")]
    said = [each if isinstance(each, str) else f"{each:z.3f}" for each in values]
    assert len(now.findall(record["message"])) == len(said)
    for each in said:
        record["message"] = now.sub(f"; log e-value {each} of 2.996)", record["message"], count=1)
    assert (differences({**record, "digest": digest_of(record)}) == []) is is_right


@pytest.mark.parametrize(
    ("said", "fits"),
    [
        ("proven is proven to save.", True),
        ("proven is shown to save.", True),
        ("proven is certified to save.", True),
        ("shown is proven to save.", False),
        ("proven is shown  to save.", False),
        ("proven is known to save.", False),
    ],
)
def test_a_name_stays_as_it_is_where_words_may_differ(said: str, fits: bool) -> None:
    pattern = sentence_pattern("proven is proven to save.", ["proven is", "w10"])
    assert (re.fullmatch(pattern, said) is not None) is fits


def test_parts_of_names_are_no_words() -> None:
    for name in ("proven-2", "x.proven", "proven/window", "user@proven"):
        pattern = sentence_pattern(f"{name} loses.")
        assert re.fullmatch(pattern, f"{name} loses.")
        assert not re.fullmatch(pattern, f"{name} loses.".replace("proven", "shown"))


@pytest.mark.parametrize(
    ("said", "fits"),
    [
        ("1-pointer is proven to lose more than 1 point of EM.", True),
        ("1-pointer is shown to lose more than 1 points of EM.", True),
        ("1-pointers is proven to lose more than 1 point of EM.", False),
        ("1-pointer is proven to lose more than 2 points of EM.", False),
    ],
)
def test_a_number_of_one_is_read_with_the_noun_of_any_release(said: str, fits: bool) -> None:
    pattern = sentence_pattern("1-pointer is proven to lose more than 1 point of EM.", ["1-pointer"])
    assert (re.fullmatch(pattern, said) is not None) is fits


def test_a_margin_of_one_has_its_noun_in_the_singular_and_is_verified_as_earlier_releases_wrote_it() -> None:
    spec = policy({"objective": {"exactMatch": {"margin": "0.01"}}})
    record = _record(decided(spec, started(spec), Server(), HARMFUL))
    assert "more than 1 point of EM" in record["message"] and differences(record) == []
    earlier = {**record, "message": record["message"].replace("1 point of EM", "1 points of EM")}
    assert differences({**earlier, "digest": digest_of(earlier)}) == []


@pytest.mark.parametrize(
    ("said", "fits"),
    [
        ("epsilon=0.0 loses 0.00 points (seen: +0.0), saving 0 %.", True),
        ("epsilon=0.0 loses -0.00 points (seen: -0.0), saving -0 %.", True),
        ("epsilon=-0.0 loses 0.00 points (seen: +0.0), saving 0 %.", False),
        ("epsilon=0.0 loses -0.01 points (seen: +0.0), saving 0 %.", False),
    ],
)
def test_a_number_rounded_to_zero_is_read_with_the_minus_of_earlier_releases(said: str, fits: bool) -> None:
    pattern = sentence_pattern("epsilon=0.0 loses 0.00 points (seen: +0.0), saving 0 %.")
    assert (re.fullmatch(pattern, said) is not None) is fits


@pytest.mark.parametrize(
    ("said", "fits"),
    [
        ("5 % holds with a probability of 52 % and may save 0 %, where 12 % are saved now", True),
        ("5 % holds with a probability of 52% and may save -0%, where 12% are saved now", True),
        ("5% holds with a probability of 52 % and may save 0 %, where 12 % are saved now", False),
        ("5 % holds with a probability of 53% and may save 0%, where 12% are saved now", False),
        ("5 % holds with a probability of 52  % and may save 0 %, where 12 % are saved now", False),
    ],
)
def test_a_percentage_is_read_with_and_without_the_blank_before_its_sign(said: str, fits: bool) -> None:
    pattern = sentence_pattern(
        "5 % holds with a probability of 52 % and may save 0 %, where 12 % are saved now", ["5 % holds", "12"]
    )
    assert (re.fullmatch(pattern, said) is not None) is fits


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "0 s"),
        (119, "119 s"),
        (120, "2 min"),
        (3600, "1 h"),
        (2_592_000, "30 d"),
        (99_999, "1 d 3 h 46 min 39 s"),
        (86_401, "1 d 1 s"),
    ],
)
def test_a_duration_is_said_exactly_and_read_as_any_release_said_it(seconds: int, said: str) -> None:
    assert in_duration(seconds) == said
    assert re.fullmatch(DURATION, said) and re.fullmatch(DURATION, f"{seconds} s")
    for wrong in ("1.5 h", "h", "1 h and 5 s", "-5 s", "5 weeks"):
        assert not re.fullmatch(DURATION, wrong)
