"""Answers questions from recordings: the votes of early-stopping self-consistency, scored and ready to send."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from earlystop.demo.recordings import Recording
from earlystop.demo.voting import SampledAnswer, StopRule, Vote, read_sample, vote
from earlystop.evaluator.scoring import exact_match

MOST_RULES = 256
"""Whose replies are kept; a search tries at most 200 settings. Where clients ask for more, all are worked out anew."""

Result = Literal["match", "mismatch"]


@dataclass(frozen=True, slots=True)
class Reply:
    """A vote and its Exact Match against the recorded answer. An answer that is missing is a mismatch."""

    vote: Vote
    result: Result

    @property
    def text(self) -> str:
        """The answer as it is sent, empty when no sample stated one."""
        return self.vote.answer or ""


class Replay:
    """Looks questions up and votes; each reply is computed once for a question and rule, then kept.

    At most `MOST_RULES` replies for each recording are kept, so clients cannot make it grow.
    """

    def __init__(self, recordings: Sequence[Recording]) -> None:
        self._samples: dict[str, tuple[SampledAnswer, ...]] = {
            each.question: tuple(read_sample(text) for text in each.samples) for each in recordings
        }
        self._gold = {each.question: each.gold for each in recordings}
        self._replies: dict[StopRule, dict[str, Reply]] = {}
        self.most_samples = max(map(len, self._samples.values()), default=0)

    def reply(self, question: str, window: int, agreement: float = 1.0, least_samples: int = 1) -> Reply | None:
        """The reply by this rule, None for a question that was not recorded.

        Raises ValueError for a rule out of range.
        """
        asked, rule = question.strip(), StopRule(window, agreement, least_samples)
        samples = self._samples.get(asked)
        if samples is None:
            return None
        if rule not in self._replies and len(self._replies) >= MOST_RULES:
            self._replies.clear()
        known = self._replies.setdefault(rule, {})
        if asked not in known:
            voted = vote(samples, *rule)
            right = voted.answer is not None and exact_match(voted.answer, self._gold[asked])
            known[asked] = Reply(voted, "match" if right else "mismatch")
        return known[asked]
