"""When settings change so few bodies that a policy's user has to know, and what to say then."""

from __future__ import annotations

LEAST_SETTINGS = 200.0
MOST_SHARE = 0.005


def never_applied(changed: float, unchanged: float, seconds: int) -> str:
    """A sentence about settings that change hardly any body; "" where they change some, or are too few to tell.

    changed, unchanged: settings of candidates' requests of the last `seconds`, by whether they changed the body.
    """
    total = changed + unchanged
    if total < LEAST_SETTINGS or changed > MOST_SHARE * total:
        return ""
    return (
        f"Of about {total:.0f} settings for bodies of the last {seconds} s, {changed:.0f} changed one: clients ask for "
        "no more already, or the body has no place for it, so the candidate's requests are as the baseline's. Try a "
        "stricter setting."
    )
