"""When a gateway leaves so many settings to the injector that a policy's user has to know, and what to say then."""

from __future__ import annotations

from earlystop.api.plurals import counted

LEAST_SETTINGS = 200.0
MOST_SHARE = 0.01


def not_written(missing: float, total: float, seconds: int) -> str:
    """A sentence about settings that a gateway did not write; "" where they are few, or there are too few to tell.

    missing, total: settings of all variants' requests of the last `seconds`.
    """
    if total < LEAST_SETTINGS or missing <= MOST_SHARE * total:
        return ""
    return (
        f"Of about {counted(round(total), 'setting')} for bodies of the last {seconds} s, the gateway had not "
        f"written {missing:.0f}, "
        "so the injector wrote them. Behind the gateway alone they would be lost: look at the status of what the "
        "policy owns for the gateway, and at how clients write these fields."
    )
