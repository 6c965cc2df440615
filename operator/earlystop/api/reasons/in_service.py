"""The reasons of what keeps a setting right after it was chosen: people, the guard, hooks, gates and the record, family
by family, as in `every.py`."""

from __future__ import annotations

from collections.abc import Mapping

from earlystop.api.reasons.approval import APPROVAL_ROWS
from earlystop.api.reasons.certificate import CERTIFICATE_ROWS
from earlystop.api.reasons.gate import GATE_ROWS
from earlystop.api.reasons.guard import GUARD_ROWS
from earlystop.api.reasons.hook import HOOK_ROWS
from earlystop.api.reasons.record import RECORD_ROWS

IN_SERVICE_ROWS: tuple[tuple[tuple[str, ...], Mapping[str, str]], ...] = (
    *APPROVAL_ROWS,
    *GUARD_ROWS,
    *CERTIFICATE_ROWS,
    *GATE_ROWS,
    *HOOK_ROWS,
    *RECORD_ROWS,
)
