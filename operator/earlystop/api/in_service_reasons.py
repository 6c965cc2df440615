"""The reasons of what keeps a setting right after it was chosen: people, the guard, hooks, gates and the record, family
by family, as in `reasons.py`."""

from __future__ import annotations

from collections.abc import Mapping

from earlystop.api.approval_reasons import APPROVAL_ROWS
from earlystop.api.certificate_reasons import CERTIFICATE_ROWS
from earlystop.api.gate_reasons import GATE_ROWS
from earlystop.api.guard_reasons import GUARD_ROWS
from earlystop.api.hook_reasons import HOOK_ROWS
from earlystop.api.record_reasons import RECORD_ROWS

IN_SERVICE_ROWS: tuple[tuple[tuple[str, ...], Mapping[str, str]], ...] = (
    *APPROVAL_ROWS,
    *GUARD_ROWS,
    *CERTIFICATE_ROWS,
    *GATE_ROWS,
    *HOOK_ROWS,
    *RECORD_ROWS,
)
