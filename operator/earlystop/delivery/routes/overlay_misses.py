"""When so many of a target's requests come past an overlay that its user has to know, and what to say then."""

from __future__ import annotations

LEAST_REQUESTS = 20.0
LEAST_SHARE = 0.05


def overlay_misses(seen: float, unseen: float, seconds: int) -> str:
    """A sentence about the requests of the last `seconds` that an overlay did not see; "" where they are few."""
    if unseen < LEAST_REQUESTS or unseen < LEAST_SHARE * (seen + unseen):
        return ""
    percent = 100 * unseen / (seen + unseen)
    share = "none" if seen == 0 else f"{max(1.0, 100 - percent):.0f} % only"
    return (
        f"Of about {seen + unseen:.0f} requests that the target had in the last {seconds} s, {share} came by the "
        f"overlay; {percent:.0f} % keep the server's own setting and are no evidence. They ask for other paths, "
        "methods or content types than the overlay, or come by another way than the route: write their paths in "
        "spec.delivery.paths, or match on a path prefix in the route."
    )
