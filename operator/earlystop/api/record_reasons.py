"""The reasons that tell what becomes of the record, with a sentence each, as in `reasons.py`."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

RECORD_REASONS: Mapping[str, str] = MappingProxyType(
    {
        "EvidenceClosed": "A campaign ended without a verdict, since an edit or a retry began another one; what it had "
        "counted is no evidence any more. Edit the judged part of a policy after a verdict to keep its evidence.",
    }
)
