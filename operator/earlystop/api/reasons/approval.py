"""The reasons of decisions that wait for people, and of an EarlyStopApproval's condition, as in `every.py`."""

from __future__ import annotations

from collections.abc import Mapping

from earlystop.api.approval_kind import COUNTED
from earlystop.api.conditions import ConditionType as Type
from earlystop.api.reasons.traffic import DECISION, EVENT

_COUNTED = f"EarlyStopApproval {COUNTED}"

APPROVAL_ROWS: tuple[tuple[tuple[str, ...], Mapping[str, str]], ...] = (
    (
        (Type.PROGRESSING.value, EVENT),
        {
            "AwaitingApproval": "A promotion is proposed, and waits until somebody agrees. Looks go on, and proven "
            "harm still ends the campaign. Answer with `kubectl earlystop approve` or `reject` "
            "(operator/docs/approvals.md).",
        },
    ),
    (
        (Type.PROGRESSING.value, _COUNTED),
        {
            "AuthorUnknown": "With approval.notByAuthor no approval counts while it is not known who made the change, "
            "or who asked for the promotion; let them sign (operator/docs/approvals.md).",
        },
    ),
    (
        (EVENT,),
        {
            "ApprovalWithdrawn": "A promotion was proposed, and the evidence no longer asks for it; nobody need "
            "approve it.",
        },
    ),
    (
        (Type.PROMOTED.value, Type.ROLLED_BACK.value, DECISION, EVENT),
        {
            "ApprovalExpired": "Nobody approved in the time of approval.expiresSeconds. The campaign ends as "
            "rollout.onInconclusive says; where a person had asked for the promotion, it goes on instead. Retry it, or "
            "write a longer time.",
            "ProofNotRegained": "All that a promotion waited for had agreed, but the evidence no longer spoke for the "
            "candidate by then, and did not come back in the time of approval.expiresSeconds; retry it.",
            "ApprovalRejected": "Somebody rejected what was proposed; the message says who. The candidate gets no "
            "more requests; where a person had asked for the promotion, the campaign goes on instead.",
        },
    ),
    (
        (_COUNTED,),
        {
            "Counted": "The approval is an answer to the decision that waits, or waited.",
            "OtherPolicy": "The approval names another policy's UID, such as that of an earlier one of the same name; "
            "answer the policy of today.",
            "NotProposed": "The approval names no decision that waits: it was answered, withdrawn or has expired; see "
            "`kubectl earlystop status`.",
            "MadeBeforeProposal": "The approval is older than the proposal; look at what is proposed, and answer anew.",
            "MadeAfterExpiry": "The approval came after approval.expiresSeconds; retry the campaign.",
            "ByAuthor": "The author of the change, who proposed the setting or asked for the promotion, does not "
            "approve it (approval.notByAuthor); ask somebody else.",
            "AnsweredBefore": "The same person has answered this decision before, and the first answer counts.",
            "NoSuchPolicy": "There is no policy of this name in the approval's namespace.",
        },
    ),
)
