"""Whether a vote or a label is taken, and when it counts: pure.

A label counts when its request is `label_seconds` old, neither sooner nor later, whichever variant answered, however
long the answer took, and whatever the label says. So what is counted by then are all requests of one span of time, and
not first those whose labels are quick: else a step would begin with the quick labels of each variant alone, and a
candidate whose wrong answers are labelled later would look better than it is.

A vote of a user counts at once, since it can only hold a candidate or take it back.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from earlystop.evaluator.feedback.outcomes import Outcome
from earlystop.evaluator.feedback.vote import Kind
from earlystop.exporter.receipts import Receipt

LONGEST_SECONDS = 7 * 24 * 3600
LABEL_SECONDS = 3600


@dataclass(frozen=True, slots=True)
class FeedbackRules:
    """policies: those that are counted, as namespace/name. longest_seconds: how old a request may be that is voted on.
    label_seconds: how old a request is when its label counts, >= 0 and at most longest_seconds.

    Raises ValueError for seconds that cannot be.
    """

    policies: Collection[str]
    longest_seconds: int = LONGEST_SECONDS
    label_seconds: int = LABEL_SECONDS

    def __post_init__(self) -> None:
        if not 0 <= self.label_seconds <= self.longest_seconds:
            raise ValueError(
                f"labels count after {self.label_seconds} s, and votes are taken for {self.longest_seconds} s; write "
                "--label-seconds of 0 or more, and --longest-seconds that are not fewer"
            )


def refusal(
    kind: Kind, receipt: Receipt | None, rules: FeedbackRules, *, now: float, oldest: int, is_labeller: bool
) -> Outcome | None:
    """Why a vote is refused by what it says and by the clock; None where it is not.

    now: Unix seconds. oldest: Unix second; what has been voted on requests before it is not remembered.
    is_labeller: whether the sender has shown the label key.
    """
    if receipt is None:
        return Outcome.UNKNOWN
    if receipt.assignment.policy not in rules.policies:
        return Outcome.FOREIGN
    if kind is Kind.LABEL and not is_labeller:
        return Outcome.UNAUTHORIZED
    if kind is Kind.LABEL and receipt.is_scored:
        return Outcome.SCORED
    if receipt.arrived < oldest or now - receipt.arrived > rules.longest_seconds:
        return Outcome.EXPIRED
    if kind is Kind.LABEL and now > counts_at(receipt, rules):
        return Outcome.LATE
    return None


def counts_at(receipt: Receipt, rules: FeedbackRules) -> int:
    """The Unix second at which a label counts."""
    return receipt.arrived + rules.label_seconds
