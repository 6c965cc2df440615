"""When settings change so few bodies that a policy's user has to know, and what to say then."""

from __future__ import annotations

from earlystop.api.plurals import counted

LEAST_SETTINGS = 200.0
MOST_SHARE = 0.005


def never_applied(
    changed: float, unchanged: float, seconds: int, baseline_changed: float = 0.0, baseline_unchanged: float = 0.0
) -> str:
    """A sentence about settings that change hardly any body; "" where they change some, or are too few to tell.

    changed, unchanged: settings of candidates' requests of the last `seconds`, by whether they changed the body.
    baseline_changed, baseline_unchanged: the baseline's. Where it changes bodies, the variants differ nonetheless.
    """
    total = changed + unchanged
    if total < LEAST_SETTINGS or changed > MOST_SHARE * total:
        return ""
    said = (
        f"Of about {counted(round(total), 'setting')} for bodies of the candidate's requests of the last "
        f"{seconds} s, {changed:.0f} "
        "changed one: clients ask for no more already, or the body has no place for it, or the engine would refuse it "
    )
    of_baseline = baseline_changed + baseline_unchanged
    if baseline_changed > MOST_SHARE * of_baseline:
        return (
            f"{said}there, so the candidate's requests are as clients send them. About {baseline_changed:.0f} "
            f"of {of_baseline:.0f} of the baseline's changed one, so the baseline's setting is compared with none. "
            "Try a candidate that is stricter than what clients ask for, or leave the baseline's values unset."
        )
    return f"{said}there, so the candidate's requests are as the baseline's. Try a stricter setting."
