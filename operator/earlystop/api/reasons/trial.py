"""The reasons that a search gives: why a trial or the whole of it ended, and what it tells by events."""

from __future__ import annotations

from collections.abc import Mapping

from earlystop.api.conditions import ConditionType as Type
from earlystop.api.reasons.traffic import DECISION, EVENT

ENDED_SEARCH = (Type.PROMOTED.value, Type.ROLLED_BACK.value)

TRIAL_ROWS: tuple[tuple[tuple[str, ...], Mapping[str, str]], ...] = (
    (
        ENDED_SEARCH,
        {
            "NothingLeftToTry": "The search is over, since no other setting is worth a trial or as many have failed as "
            "may; the best proven setting serves, else the baseline.",
            "SearchRiskUsed": "A further trial would exceed the risk of the search, so it is over; the best proven "
            "setting serves, else the baseline.",
            "SearchEndedByPerson": "A person aborted the search, or promoted the setting under trial, and that ends "
            "it; retry the policy for another search.",
        },
    ),
    (
        (*ENDED_SEARCH, DECISION),
        {
            "SearchBudgetUsed": "The requests or the time of search.budget are used up, which ends the trial under way "
            "and the search; the best proven setting serves, else the baseline.",
        },
    ),
    (
        (DECISION,),
        {
            "TrialGivenUp": "The probability that this trial of a search ends in a certificate was below 2 %, even "
            "with twice the requests that it was proposed for; the search goes on without its setting, which counts as "
            "one that has failed. There is nothing to do; to judge such a setting on all requests, write it as a "
            "candidate.",
            "TrialRequestsUsed": "Neither benefit nor harm was proven with the requests that this trial of a search "
            "may take, or all was proven and something held the certificate, which the message names; the search goes "
            "on without its setting. Where it is not known how much answers scatter, write "
            "exactMatch.assumeIndependent or exactMatch.dispersion if that is true, or a shorter rollout.lookSeconds.",
        },
    ),
    (
        (Type.READY.value, Type.PROGRESSING.value),
        {
            "Choosing": "A trial of the search is over, and the next one begins by itself, unless the policy is "
            "suspended."
        },
    ),
    (
        (Type.ACCEPTED.value, Type.READY.value, Type.COMPLETED.value, EVENT),
        {
            "NothingToTry": "No setting of the search is worth a trial before any was made; write other settings, a "
            "larger search.horizonRequests or a larger search.budget.requests.",
        },
    ),
    (
        (EVENT,),
        {
            "SearchStarted": "A search began; the message says among how many settings it looks, against which "
            "baseline.",
            "HistoryRead": "A search with warmStart: History began; the message says from which verdicts its order "
            "starts, and which were refused or passed over.",
            "TrialEnded": "A trial of a search is over; the message says what came of its setting.",
            "TrialInterrupted": "Counts of a trial could not be read, which says nothing of its setting; it goes on "
            "with its evidence at the time that the message names. Fix the metrics source.",
            "SearchEnded": "A search is over; the message says with which setting, and why. A warning: with the "
            "baseline.",
        },
    ),
)
