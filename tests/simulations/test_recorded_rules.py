"""A search over two criteria at once, on recorded answers: all its settings are judged on the stream of one baseline.

Votes, scores and words are those of the recordings, as the reference server counts them; only the order in which
questions come is drawn.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import yaml
from numpy.random import Generator, default_rng
from numpy.typing import NDArray

from earlystop.api.counts import Tally
from earlystop.api.policy import PolicySpec
from earlystop.demo.replay import Replay
from earlystop.simulation import search_campaigns
from earlystop.simulation.search_campaigns import PlayedSearch, play_search
from earlystop.simulation.search_truth import TrueCurve, TrueSetting
from earlystop.simulation.traffic import tally_of
from tests.unit.demo.recorded import expected, recordings

EXAMPLE = Path(__file__).parents[2] / "manifests/examples/search-agreement.yaml"
WRITTEN = yaml.safe_load(EXAMPLE.read_text())["spec"]
AS_SHIPPED = PolicySpec.model_validate(WRITTEN)
TOO_BOLD = PolicySpec.model_validate(
    WRITTEN
    | {
        "search": {
            "strategy": "Grid",
            "parameters": [
                {"name": "window", "values": ["10", "5", "3", "1"]},
                {"name": "agreement", "values": ["1", "0.6"]},
            ],
        }
    }
)
"""With a window of 1, by which the first sample decides alone, and which loses more than the margin."""
RATE = 5.0
MARGIN = 0.02


class RecordedAnswers:
    """What every setting of the example answers to each recorded question. The baseline's row is the first.

    right: whether the answer is the recorded one. words: that it took.
    """

    def __init__(self, policy: PolicySpec) -> None:
        self._settings = policy.search_settings()
        asked = recordings(expected().source)
        replay = Replay(asked)
        settings = [{"window": "40"}, *(dict(each.values) for each in self._settings)]
        rules = [(int(each["window"]), float(each.get("agreement", "1"))) for each in settings]
        replies = [[replay.reply(each.question, *rule) for each in asked] for rule in rules]
        found = [[reply for reply in row if reply is not None] for row in replies]
        self.right: NDArray[np.bool_] = np.array([[reply.result == "match" for reply in row] for row in found])
        self.words: NDArray[np.int64] = np.array([[reply.vote.words for reply in row] for row in found])

    def curve(self) -> TrueCurve:
        """What is true of these recordings."""
        em, words = self.right.mean(axis=1), self.words.mean(axis=1)
        settings = [
            TrueSetting(each.name, float(em[0] - em[row]), float(1 - words[row] / words[0]))
            for row, each in enumerate(self._settings, start=1)
        ]
        return TrueCurve(float(em[0]), float(words[0]), tuple(settings))

    def in_shadow(
        self, curve: TrueCurve, tried: Sequence[int], requests: int, random: Generator
    ) -> tuple[Tally, tuple[Tally, ...]]:
        """The baseline's answers to so many questions, and what each setting would have answered to the same ones."""
        drawn = random.integers(self.right.shape[1], size=requests)
        full = self.right[0, drawn]
        return self._tally(0, drawn), tuple(
            self._tally(index + 1, drawn) + _pairs(full, self.right[index + 1, drawn]) for index in tried
        )

    def _tally(self, row: int, drawn: NDArray[np.int64]) -> Tally:
        return tally_of(self.words[row, drawn].astype(float), int(self.right[row, drawn].sum()))


def _pairs(full: NDArray[np.bool_], short: NDArray[np.bool_]) -> Tally:
    return Tally(
        pairs_both=int((full & short).sum()),
        pairs_baseline_only=int((full & ~short).sum()),
        pairs_candidate_only=int((~full & short).sum()),
        pairs_neither=int((~full & ~short).sum()),
    )


def played(monkeypatch: pytest.MonkeyPatch, policy: PolicySpec, seed: int) -> tuple[TrueCurve, PlayedSearch]:
    answers = RecordedAnswers(policy)
    monkeypatch.setattr(search_campaigns, "shadow_answers", answers.in_shadow)
    return answers.curve(), play_search(policy, answers.curve(), RATE, default_rng(seed))


@pytest.mark.parametrize("seed", range(3))
def test_a_search_over_windows_and_agreements_recommends_the_rule_that_saves_most_within_the_margin(
    monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    curve, found = played(monkeypatch, AS_SHIPPED, seed)
    assert found.best is not None and found.best == curve.best(MARGIN, 0.1)
    assert found.requests <= 20_000, "all nine settings together"


@pytest.mark.parametrize("seed", range(3))
def test_a_rule_that_loses_more_than_the_margin_is_not_recommended_though_it_saves_most(
    monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    curve, found = played(monkeypatch, TOO_BOLD, seed)
    boldest = max(range(len(curve.settings)), key=lambda index: curve.settings[index].saving)
    assert not curve.keeps(boldest, MARGIN, 0.1)
    assert found.best is not None and found.best == curve.best(MARGIN, 0.1)
