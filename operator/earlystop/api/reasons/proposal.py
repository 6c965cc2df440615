"""The reasons of an EarlyStopProposal's conditions; `every.py` has those of policies."""

from __future__ import annotations

from collections.abc import Mapping

from earlystop.api.proposal import ACCEPTED, TRIED

_ACCEPTED, _TRIED = f"EarlyStopProposal {ACCEPTED}", f"EarlyStopProposal {TRIED}"

PROPOSAL_ROWS: tuple[tuple[tuple[str, ...], Mapping[str, str]], ...] = (
    (
        (_ACCEPTED,),
        {
            "Waiting": "The setting waits for its trial, and no request gets it before; proposers take turns.",
            "NoSuchSetting": "The search may not try these values; write some that it may, as the message names them.",
            "AlreadyTried": "This setting was tried already, or is tried now; propose another one.",
            "AlreadyProposed": "The same proposer has proposed this setting before; delete one of the two.",
            "ShareSpent": "As many trials of this proposer have failed as the search allows each; ask the policy's "
            "owner to raise search.failureBudget.",
            "QueueFull": "As many proposals of this proposer wait as may; this one is looked at again later.",
            "TakesNoProposals": "There is no such policy, or its search tries no proposals, or is over; name a policy "
            "whose search.strategy is External.",
        },
    ),
    ((_ACCEPTED, _TRIED), {"UnderTrial": "The setting is tried now, against the baseline; nothing is to be done."}),
    (
        (_ACCEPTED, _TRIED),
        {
            "TrialCertified": "The trial of the proposed setting has proven what a promotion needs.",
            "TrialHarmful": "The trial of the proposed setting has proven harm; it gets no requests.",
            "TrialInconclusive": "The trial of the proposed setting ended before it had proven either; its verdict "
            "says why.",
        },
    ),
)
