"""What there is to say of a guard on a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any


def guard_facts(status: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Lines about what watches over a promotion, or did until its alarm, by a label; none without a guard."""
    guard = status.get("guard")
    if not guard:
        return
    kept = f"{guard['holdbackWeight']} % on the baseline" if guard["holdbackWeight"] else "by golden questions"
    promise = f"one false revert in {guard['falseRevertSeconds'] / 86_400:g} days at most, on average"
    yield "guard", f"{_state(guard)}, {kept}, {guard['looksTaken']:,} looks since {guard['since']}; {promise}"
    window = guard.get("window")
    if window:
        promoted, baseline = (
            f"{window[arm]['exactMatch']} of {window[arm]['scored']:,}" for arm in ("candidate", "baseline")
        )
        lately = f"EM {promoted} answers, at the baseline {baseline}, saving {window['saving']}"
        yield "lately", f"in the last {window['seconds']} s {lately}"
    if guard.get("serves"):
        yield "load", f"little, so {guard['serves']} serves since {guard['servedSince'][-1]}, which is more careful"
    elif guard.get("servedSince"):
        yield "load", f"the promoted setting serves since {guard['servedSince'][-1]}"
    nearest = (f"{each['name']} {each['logStatistic']} of {each['needed']}" for each in guard.get("detectors", []))
    yield "alarm at", "; ".join(nearest)


def _state(guard: Mapping[str, Any]) -> str:
    """What the guard is about, in a word or two."""
    if guard.get("alarm"):
        return f"alarmed ({', '.join(guard['alarm'])})"
    if guard.get("suspendedAt"):
        return "suspended"
    if guard.get("ends"):
        return "ends"
    if guard.get("metricsLostAt"):
        return f"blind since {guard['metricsLostAt']}"
    if guard.get("notCompared"):
        return f"blind since {guard['comparedAt']}, nothing to compare"
    return {"Applying": "begins", "Settling": "begins", "Observing": "watches"}[guard["phase"]]
