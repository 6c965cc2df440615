"""The reasons that tell of evidence that was closed, and of what waits for an edit, as in `every.py`."""

from __future__ import annotations

from collections.abc import Mapping

from earlystop.api.conditions import ConditionType as Type
from earlystop.api.reasons.traffic import EVENT

RECORD_ROWS: tuple[tuple[tuple[str, ...], Mapping[str, str]], ...] = (
    (
        (EVENT,),
        {
            "EvidenceClosed": "A campaign ended without a verdict, since an edit or a retry began another one; what it "
            "had counted is no evidence any more. Edit the judged part of a policy after a verdict to keep it.",
            "StatusOfAnother": "The status held a campaign of another policy, as after a restore with it; nothing "
            "of it is followed, and a campaign begins anew. Restore policies without their status.",
        },
    ),
    (
        (Type.STALLED.value,),
        {
            "SpecRefused": "The policy as it is written cannot be carried out, and nothing but an edit of it helps; "
            "write what the message says.",
            "NotStalled": "Nothing waits for an edit of the policy; nothing is to be done.",
        },
    ),
)
