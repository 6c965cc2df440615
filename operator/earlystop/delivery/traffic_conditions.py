"""What a policy says about its traffic when users are not led as it asks: what was found, and what to do about it."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from earlystop.api.conditions import Condition, ConditionStatus, traffic_condition
from earlystop.api.wire import SETTINGS_FAULT, SETTINGS_INFO
from earlystop.delivery.probes.canary import Fault
from earlystop.delivery.probes.misrouting import MISROUTES
from earlystop.delivery.proof import ProbeResult, Proof

WRITE_REFUSED = "WriteRefused"
# Of the API server's own words.
LONGEST_QUOTE = 300

_TRIED_AGAIN = re.compile(r"It is tried again in ([0-9]{1,6}) s(?:, at ([0-9T:-]{19}Z))?\.")


def _tried_again(rest: float, now: float) -> str:
    """The sentence from which `rest_in` reads a rest. now: when it begins, in Unix seconds."""
    return f"It is tried again in {rest:.0f} s, at {datetime.fromtimestamp(now + rest, UTC):%Y-%m-%dT%H:%M:%SZ}."


def rest_in(message: str, since: float) -> tuple[float, float] | None:
    """For how many seconds a split rests that was taken off, and until which Unix second, as a stored message says.

    since: when the condition was stored, for messages of releases that gave no time. None without a rest.
    """
    found = _TRIED_AGAIN.findall(message)
    if not found:
        return None
    seconds, until = found[-1]
    try:
        return float(seconds), datetime.fromisoformat(until).timestamp() if until else since + float(seconds)
    except ValueError:
        return None


def no_user_was_led(said: Condition) -> Condition:
    """A rollback ends while no overlay leads anybody. said: what was last said about the traffic."""
    if said.reason == MISROUTES:
        return said
    message = "No user's request was led to the candidate; all go by your own route."
    return traffic_condition(ConditionStatus.TRUE, "InForce", message)


def taken_off(fault: Fault, rest: float, now: float) -> Condition:
    """Users were taken off since a fault was found.

    rest: seconds from Unix second `now` until they may be led again.
    """
    reason = Proof.CANDIDATE_FAILS.value if fault.proof == Proof.CANDIDATE_FAILS else "ShareNotServed"
    message = (
        f"{fault.message} All requests go by your own route. Look at what stands between the gateway and the "
        "Service of what is not served: its ports and endpoints, and TLS and other policies that name your Service. "
        f"{_tried_again(rest, now)}"
    )
    return traffic_condition(ConditionStatus.FALSE, reason, message)


def unproven_for_long(missing: bool, seconds: float, rest: float, now: float) -> Condition:
    """Users were taken off since nothing proved that the split serves them.

    missing: whether counts even show that a variant gets none of its requests. seconds: how long proof was waited for.
    rest: seconds from Unix second `now` until they may be led again.
    """
    why = (
        "Requests were counted, and a variant has none of those that it should have"
        if missing
        else f"Nothing has proven the split for {seconds:.0f} s"
    )
    message = (
        f"{why}, so all requests go by your own route. Look at the gateway's answers and at the servers behind it; "
        f"let the server echo probes, so that the split can be proven. {_tried_again(rest, now)}"
    )
    return traffic_condition(ConditionStatus.FALSE, "SplitUnproven", message)


def unreported_for_long(seconds: float, rest: float, now: float) -> Condition:
    """Users were taken off since some process never said that it serves by the split's settings.

    seconds, rest, now: as for `unproven_for_long`.
    """
    message = (
        f"For {seconds:.0f} s not every process that is up has reported the settings of this step, so they now give "
        f"all requests the baseline. Look at {SETTINGS_INFO} and {SETTINGS_FAULT} of the target's processes, and how "
        f"the settings are mounted: a subPath never changes. {_tried_again(rest, now)}"
    )
    return traffic_condition(ConditionStatus.FALSE, "ProcessesBehind", message)


def not_served(answer: ProbeResult, seconds: float, meanwhile: str) -> Condition:
    """The gateway has not served the overlay for so many seconds. meanwhile: a sentence about what that means."""
    message = (
        f"{answer.message} The overlay was written over {seconds:.0f} s ago. Look at the gateway and at the servers "
        f"behind it. {meanwhile}"
    )
    return traffic_condition(ConditionStatus.FALSE, "ShareNotServed", message)


def write_refused(words: str, *, by_own_route: bool = False) -> Condition:
    """An object could not be written. words: which one, and what the API server or a webhook says, without secrets.
    by_own_route: whether no user's request is led by the policy."""
    led = "all requests go by your own route" if by_own_route else "requests are led as before"
    message = (
        f"The Kubernetes API, or an admission webhook, refuses to write {quoted(words).rstrip('.')}. Change what "
        f"refuses it, or ask whoever owns that. Until then {led}; the operator goes on trying."
    )
    return traffic_condition(ConditionStatus.FALSE, WRITE_REFUSED, message)


def quoted(words: str) -> str:
    """The API server's own words, as they may stand in a message: on one line, and not too many."""
    visible = " ".join("".join(each if each.isprintable() else " " for each in words).split())
    return visible if len(visible) <= LONGEST_QUOTE else f"{visible[: LONGEST_QUOTE - 1]}…"
