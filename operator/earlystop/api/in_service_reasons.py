"""The reasons of what keeps a promoted setting right, family by family, as in `reasons.py`."""

from __future__ import annotations

from earlystop.api.certificate_reasons import CERTIFICATE_ROWS
from earlystop.api.guard_reasons import GUARD_ROWS
from earlystop.api.record_reasons import RECORD_ROWS

IN_SERVICE_ROWS = (*GUARD_ROWS, *RECORD_ROWS, *CERTIFICATE_ROWS)
