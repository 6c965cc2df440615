"""The status of a promoted policy under guard in little room: it stands for months, and there may be thousands of it.

What people and tools read stays as it is. All else, which the operator goes on from, becomes one text in
`internal.rest`: fields in JSON, compressed with a dictionary of the words that statuses are made of. Nothing is lost by
it, and nothing rounded: `whole` gives back the status that `compact` was given.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from earlystop.api.status.packed_text import packed_fields, unpacked_fields

Status = dict[str, Any]
Shown = Mapping[str, "Shown"]
"""Names of fields, each with those of its parts that are shown; with none: all of it is."""

_ALL: Shown = {}
_OF_A_VARIANT: Shown = {"scored": _ALL, "exactMatch": _ALL, "meanTokens": _ALL}

SHOWN: Shown = {
    **dict.fromkeys(("observedGeneration", "phase", "campaign", "revision", "candidate", "progress", "weight"), _ALL),
    **dict.fromkeys(("variant", "nextLookAt", "suspendedAt", "metricsLostAt", "awaiting"), _ALL),
    "evidence": dict.fromkeys(("effect", "saving"), _ALL),
    "decision": dict.fromkeys(("verdict", "candidate", "reason", "message", "name", "digest", "number", "at"), _ALL),
    "certified": dict.fromkeys(("values", "at", "classes", "lapse"), _ALL),
    "savings": dict.fromkeys(("requests", "tokens", "savedTokens"), _ALL),
    "guard": {
        **dict.fromkeys(("phase", "since", "holdbackWeight", "ends"), _ALL),
        **dict.fromkeys(("metricsLostAt", "suspendedAt", "looksTaken", "detectors", "serves"), _ALL),
        **dict.fromkeys(("alarm", "alarmAt", "alarmThen"), _ALL),
        "window": {"seconds": _ALL, "saving": _ALL, "baseline": _OF_A_VARIANT, "candidate": _OF_A_VARIANT},
    },
}
"""Fields that stay as they are, and those of which only parts do, with these; all else is packed."""
RECORDED = ("proposalDigest", "approvedBy")
"""Fields of `decision` that its verdict has too, as it has the digest of the verdict before."""
LOOKS = ("looks", "classLooks")
"""Fields of `internal` with the looks of a campaign."""
MARKS = ("mark", "classMark")
"""Those with the counts at which its next look would have begun."""
LOG_E = ("logE", "largestLogE")
"""Parts of `evidence` that are worked out from looks, of a claim each."""
ALIKE = "As Ready says."
"""What is shown as the message of a condition that has the very message of Ready."""
QUIET = {
    "MetricsAvailable": "True",
    "TrafficApplied": "True",
    "SettingEffective": "",
    "SampleRatioOK": "",
    "Progressing": "False",
    "Stalled": "False",
    "RolledBack": "False",
}
"""Conditions that say nothing once a setting is promoted, and the status in which they do; "": in any."""

BRIEF = {
    "Accepted": "As written.",
    "Guarded": "It watches.",
    "Certified": "As certified.",
    "HooksDelivered": "All is told.",
    "JobsSucceeded": "All have succeeded.",
    "GatesOpen": "All are open.",
    "LoadFollowed": "Its reason says it.",
}
"""What is shown of a condition that is True in place of its message, where a status is over `ROOM` else. No condition
is packed for want of room: whoever waits for one (`kubectl wait`) would wait for ever."""
MOST_CONDITIONS = 48
"""Packed ones and messages of others: a status has 24 at most, and one that is shown has a place in either."""
ROOM = 4096
"""Bytes that a guarded status is to take at most, as the API server stores it."""


def is_compact(status: Mapping[str, Any]) -> bool:
    """Whether a status in JSON has parts that are packed into one text."""
    return "rest" in (status.get("internal") or {})


def is_guarded(status: Mapping[str, Any]) -> bool:
    """Whether a guard watches over a promotion, so that its status is to take little room."""
    return status.get("phase") == "Promoted" and bool(status.get("guard"))


def compact(status: Status) -> Status:
    """A status in JSON whose parts that nobody reads are one text, where a guard watches over a promotion; the same
    status elsewhere."""
    if not is_guarded(status):
        return status
    fields = {name: value for name, value in status.items() if name != "conditions"}
    shown, rest = _parted(fields, SHOWN)
    small = _with_conditions(shown, rest, status)
    return small if stored_bytes(small) <= ROOM else _with_conditions(shown, rest, status, is_full=True)


def stored_bytes(fields: Status) -> int:
    """How many bytes fields take as the API server stores them: Go's JSON has six for each of three signs."""
    text = json.dumps(fields, separators=(",", ":"), ensure_ascii=False)
    return len(text.encode()) + 5 * sum(map(text.count, "<>&"))


def _with_conditions(shown: Status, rest: Status, status: Status, *, is_full: bool = False) -> Status:
    """What is shown of a status, with its conditions but for quiet ones, and all else packed. is_full: whether
    conditions that all is well with are brief."""
    conditions = list(enumerate(status.get("conditions") or ()))
    ready = _message_of_ready(each for _, each in conditions)
    quiet = [[index, _without_message(each, ready)] for index, each in conditions if _is_quiet(each)]
    loud = [each for _, each in conditions if not _is_quiet(each)]
    loud, alike = _shortened(loud, status.get("observedGeneration"))
    loud, worded = _brief(loud) if is_full else (loud, {})
    told = {"conditions": loud} if conditions else {}
    return {**shown, **told, "internal": {"rest": packed_fields({**rest, **alike, **worded, "quiet": quiet})}}


def without_looks(status: Status) -> Status:
    """A whole status in JSON without the looks of its campaign and what else the verdict of its decision holds; the
    same status where no guard watches over a promotion, and where there are no looks."""
    internal = status.get("internal") or {}
    if not is_guarded(status) or not any(map(internal.get, LOOKS)):
        return status
    kept = {name: value for name, value in internal.items() if name not in (*LOOKS, *MARKS)}
    short = {**status, "internal": {**kept, "recorded": status["decision"].get("number", 1)}}
    short.pop("previousDigest", None)
    short["decision"] = {name: value for name, value in status["decision"].items() if name not in RECORDED}
    if "candidates" in status:
        short["candidates"] = [
            {**each, "evidence": {name: it for name, it in each.get("evidence", {}).items() if name not in LOG_E}}
            for each in status["candidates"]
        ]
    if "evidence" in status:  # lists of policies show some of it, and read no verdict
        short["evidence"] = {
            name: {**it, "others": []} if name in LOG_E else it for name, it in status["evidence"].items()
        }
    return short


def whole(status: Status) -> Status:
    """Inverse of `compact`; the same status where nothing of it is packed so. Raises ValueError for a text that was not
    made by it."""
    if not is_compact(status):
        return status
    internal = dict(status["internal"])
    rest = unpacked_fields(internal.pop("rest"))
    shown = {name: value for name, value in status.items() if name != "internal"}
    if internal:
        shown["internal"] = internal
    try:
        worded, quiet = rest.pop("worded", ()), rest.pop("quiet")
        if len(worded) + len(quiet) > MOST_CONDITIONS:
            raise ValueError("it has more conditions than a status")
        for index, message in worded:
            shown["conditions"] = _with_message(shown["conditions"], index, message)
        if "alike" in rest:
            shown["conditions"] = _lengthened(shown["conditions"], rest.pop("alike"), shown["observedGeneration"])
        conditions = [*shown.get("conditions", ())]
        ready = _message_of_ready(conditions)
        for index, condition in quiet:
            conditions.insert(index, condition if "message" in condition else {**condition, "message": ready})
        if conditions:
            shown["conditions"] = conditions
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise ValueError(f"status.internal.rest does not fit its status: {error!r}") from None
    return _joined(shown, rest)


def _message_of_ready(conditions: Iterable[Status]) -> str | None:
    return next((each["message"] for each in conditions if each["type"] == "Ready"), None)


def _shortened(conditions: list[Status], generation: object) -> tuple[list[Status], Status]:
    """Conditions that are shown, without what others of them or the status say as well, and what tells which those are;
    the same where not all of them are of the generation that the status is of."""
    ready = _message_of_ready(conditions)
    if ready is None or any(each.get("observedGeneration") != generation for each in conditions):
        return conditions, {}
    alike = [index for index, each in enumerate(conditions) if each["type"] != "Ready" and each["message"] == ready]
    short = [{**each, "message": ALIKE} if index in alike else each for index, each in enumerate(conditions)]
    return [_without(each, "observedGeneration") for each in short], {"alike": alike}


def _brief(conditions: list[Status]) -> tuple[list[Status], Status]:
    """Conditions of which those that all is well with are brief, and the messages of these by their places."""
    worded = [
        [at, each["message"]]
        for at, each in enumerate(conditions)
        if each["status"] == "True" and each["type"] in BRIEF
    ]
    for at, _ in worded:
        conditions = _with_message(conditions, at, BRIEF[conditions[at]["type"]])
    return conditions, {"worded": worded}


def _with_message(conditions: list[Status], index: int, message: str) -> list[Status]:
    return [{**each, "message": message} if at == index else each for at, each in enumerate(conditions)]


def _lengthened(conditions: list[Status], alike: list[int], generation: object) -> list[Status]:
    """Inverse of `_shortened`. Raises KeyError or IndexError for others."""
    ready = {each["type"]: each["message"] for each in conditions}["Ready"]
    told = [{**each, "observedGeneration": generation} for each in conditions]
    for index in alike:
        told[index]["message"] = ready
    return told


def _without_message(condition: Status, ready: object) -> Status:
    """A condition that is not shown, without its message where that is the one of Ready."""
    return _without(condition, "message") if condition.get("message") == ready else condition


def _without(fields: Status, name: str) -> Status:
    return {each: value for each, value in fields.items() if each != name}


def _parted(fields: Status, tree: Shown) -> tuple[Status, Status]:
    """What of some fields is shown, and what is not."""
    shown: Status = {}
    rest: Status = {}
    for name, value in fields.items():
        parts = tree.get(name)
        if parts is None:
            rest[name] = value
        elif not parts:
            shown[name] = value
        else:
            shown[name], more = _parted(value, parts)
            rest |= {name: more} if more else {}
    return shown, rest


def _joined(shown: Status, rest: Status) -> Status:
    """Inverse of `_parted`. What is packed counts where both have a field: it is shown only where somebody filled in a
    default."""
    both = {
        name: _joined(shown[name], rest[name])
        for name in shown.keys() & rest.keys()
        if isinstance(shown[name], dict) and isinstance(rest[name], dict)
    }
    return {**shown, **rest, **both}


def _is_quiet(condition: Mapping[str, Any]) -> bool:
    status = QUIET.get(str(condition.get("type")))
    return status is not None and status in ("", condition.get("status"))


def without_defaults(status: dict[str, Any]) -> dict[str, Any]:
    """A status without the condition that the CRD itself puts on a new policy."""
    return status if "phase" in status else {}
