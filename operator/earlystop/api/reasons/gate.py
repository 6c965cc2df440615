"""The reasons of gates; `every.py` gathers all reasons for the page for users."""

from __future__ import annotations

from collections.abc import Mapping

from earlystop.api.conditions import ConditionType
from earlystop.api.reasons.traffic import EVENT, VERDICT

_OPEN, _PROGRESSING = ConditionType.GATES_OPEN.value, ConditionType.PROGRESSING.value

GATE_ROWS: tuple[tuple[tuple[str, ...], Mapping[str, str]], ...] = (
    (
        (_OPEN, EVENT),
        {
            "GateWaiting": "A promotion or a step waits for a gate. Looks go on, and proven harm still ends the "
            "campaign; wait, or look at what the gate asks.",
            "GateOpen": "The gate is open; nothing is to be done.",
        },
    ),
    ((_PROGRESSING,), {"AwaitingGate": "A promotion waits for the gates that the message names; wait."}),
    (
        (_OPEN, EVENT, *VERDICT),
        {
            "GateClosed": "A gate has refused the promotion or a step, and all requests go to the baseline; look at "
            "what it says.",
            "GateTimedOut": "A gate did not open in its time, so nothing is promoted; look at what it waits for, or "
            "write a longer timeoutSeconds.",
        },
    ),
)
