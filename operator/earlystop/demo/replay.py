"""Answers questions from recordings: the votes of early-stopping self-consistency, scored and ready to send."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from earlystop.demo.recordings import Recording
from earlystop.demo.voting import SampledAnswer, Vote, read_sample, vote
from earlystop.evaluator.scoring import exact_match

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
    """Looks questions up and votes; each reply is computed once for a question and window, then kept.

    At most one reply for each recording and window is kept, so clients cannot make it grow.
    """

    def __init__(self, recordings: Sequence[Recording]) -> None:
        self._samples: dict[str, tuple[SampledAnswer, ...]] = {
            each.question: tuple(read_sample(text) for text in each.samples) for each in recordings
        }
        self._gold = {each.question: each.gold for each in recordings}
        self._replies: dict[tuple[str, int], Reply] = {}
        self.most_samples = max(map(len, self._samples.values()), default=0)

    def reply(self, question: str, window: int) -> Reply | None:
        """The reply at this window, None for a question that was not recorded.

        Raises ValueError for a window out of range.
        """
        key = (question.strip(), window)
        known = self._replies.get(key)
        if known is not None:
            return known
        samples = self._samples.get(key[0])
        if samples is None:
            return None
        voted = vote(samples, window)
        right = voted.answer is not None and exact_match(voted.answer, self._gold[key[0]])
        reply = Reply(voted, "match" if right else "mismatch")
        self._replies[key] = reply
        return reply
