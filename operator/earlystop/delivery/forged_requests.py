"""When so many requests were forged that a policy's user has to know, and what to say then."""

from __future__ import annotations

from earlystop.api.plurals import counted

LEAST_REQUESTS = 20.0
LEAST_SHARE = 0.01


def forged_requests(seen: float, forged: float, seconds: int) -> str:
    """A sentence about requests of the last `seconds` that named the campaign without its token; "" where they are few.

    seen: requests of the same time that came by the overlay.
    """
    if forged < LEAST_REQUESTS or forged < LEAST_SHARE * (seen + forged):
        return ""
    percent = max(1.0, 100 * forged / (seen + forged))
    return (
        f"About {counted(round(forged), 'request')} of the last {seconds} s ({percent:.0f} %) named the "
        "campaign's revision without "
        "its token: servers gave them the default setting and counted none of them as evidence. Either clients forge "
        "the headers, on a path that the overlay does not take or straight at the Pods; close that way by a "
        "NetworkPolicy. Or something between the gateway and the server takes the token off, or the server does not "
        "hand it to its exporter."
    )
