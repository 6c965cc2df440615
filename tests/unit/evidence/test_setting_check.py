"""The setting-effective check: a setting in force is seen in either direction, one that never arrived is called out."""

from __future__ import annotations

import numpy as np
import pytest

from earlystop.evidence import normal_mixture, setting_check, tokens
from earlystop.evidence.setting_check import Effect
from tests.unit.evidence.simulate import MEAN_TOKENS, check_setting, lengths


@pytest.mark.parametrize("ratio", [0.6, 0.85, 1.3])
def test_a_setting_that_shortens_or_lengthens_answers_is_seen(ratio: float) -> None:
    rng = np.random.default_rng(19)
    assert all(check_setting(rng, ratio, 60)[1] for _ in range(10))


def test_a_setting_that_never_arrived_is_said_to_have_moved_nothing_and_not_to_have_moved() -> None:
    rng = np.random.default_rng(20)
    assert check_setting(rng, 1.0, 3)[0] is Effect.NOT_SHOWN
    assert check_setting(rng, 1.0, 150, 600)[0] is Effect.NOT_MOVED


def test_before_any_answer_nothing_is_shown() -> None:
    check = setting_check.update(setting_check.start(), tokens.start(0.1))
    assert check.log_e == check.log_e_max == 0
    assert check.effect is Effect.NOT_SHOWN


def test_the_two_sided_mixture_averages_both_directions_of_the_one_sided_one() -> None:
    for statistic, information in ((12.0, 30.0), (-40.0, 100.0)):
        both = np.mean(np.exp([normal_mixture.log_e(s, information, 0.3) for s in (statistic, -statistic)]))
        assert normal_mixture.log_e_two_sided(statistic, information, 0.3) == pytest.approx(np.log(both), rel=1e-9)


@pytest.mark.parametrize("shift", [0.0, 1.0, float("nan")])
def test_a_shift_outside_its_domain_is_refused(shift: float) -> None:
    with pytest.raises(ValueError, match=r"as in 0\.05"):
        setting_check.start(shift)


def test_not_moved_is_said_once_and_stays_until_the_setting_is_seen_to_have_moved() -> None:
    rng = np.random.default_rng(23)
    token_process, check = tokens.start(0.1), setting_check.start(0.05)
    words = []
    for ratio in [1.0] * 120 + [0.8] * 60:
        token_process = tokens.update(
            token_process, lengths(rng, 600, MEAN_TOKENS), lengths(rng, 600, MEAN_TOKENS * ratio), 50
        )
        check = setting_check.update(check, token_process)
        words.append(check.effect)
    changes = [word for word, before in zip(words[1:], words, strict=False) if word is not before]
    assert changes == [Effect.NOT_MOVED, Effect.MOVED]


@pytest.mark.parametrize("risk", [0.0, 1.0, float("nan")])
def test_a_risk_outside_its_domain_is_refused(risk: float) -> None:
    with pytest.raises(ValueError, match=r"as in 0\.01"):
        setting_check.start(0.05, risk)
