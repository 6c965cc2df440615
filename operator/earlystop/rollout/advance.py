"""What a plan asks before a candidate gets a larger weight: by its steps alone, without evidence."""

from __future__ import annotations

from earlystop.rollout.plan import WHEN_SAFE, Plan, StageKind

SCORED_TO_ADVANCE = 100
HARM_TO_ADVANCE = 1.0
RISK_TO_ADVANCE = 0.2
"""With which a candidate gets a weight at which it costs all requests more than the margin. It is found there all the
sooner: users are as exposed to it as by ten minutes at 5 % and at 25 % (`make bench-ramps`)."""


def loss_to_refute(plan: Plan, step: int) -> float | None:
    """The loss of EM, above 0, that must be refuted before the step after this one; None where nothing need be.

    At a weight of w percent a candidate that loses this much costs all requests together just the margin: 100 / w
    margins. So a promotion, to 100 %, asks the same of one margin. It is refuted at `RISK_TO_ADVANCE`: with at most
    this probability a candidate that loses so much ever gets that weight, or a larger one.
    """
    if plan.spec.rollout.advance != WHEN_SAFE or step + 1 >= len(plan.stages) or plan.stage(step).same_setting:
        return None
    following = plan.stage(step + 1)
    return 100 * plan.objective.margin / following.weight if following.kind is StageKind.SPLIT else None
