"""What becomes of an edit, or of a retry, that has not begun its campaign yet."""

from __future__ import annotations

from earlystop.rollout.state import ACTING, BETWEEN_TRIALS, ENDED, Phase, RolloutState


def waiting_edit(state: RolloutState) -> str:
    """When the campaign begins that the policy asks for by now, instead of the one in `state`, and what becomes of this
    one; "" where it begins at once. To be asked only where the policy is not refused."""
    asks = "An edit or a retry asks for another campaign:"
    if state.phase is Phase.SUSPENDED:
        return f"{asks} it begins when the policy is resumed, and campaign {state.campaign} ends without a verdict."
    if state.phase in ACTING:
        return f"{asks} it begins when this decision is carried out."
    if state.phase in ENDED | BETWEEN_TRIALS:
        return f"{asks} it begins when the policy is not suspended."
    return ""
