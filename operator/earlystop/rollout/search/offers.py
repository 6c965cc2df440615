"""What becomes of settings that others propose: which wait for a trial, which had one, and why the rest are refused."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice

from earlystop.api.plurals import counted
from earlystop.rollout.search.external import WaitingOffer, failures_of, own_requests
from earlystop.rollout.search.trial import REQUESTS_PER_LOOK, Setting, TrialEnd, TrialOutcome

MOST_WAITING = 100
"""Of one proposer; who proposes more waits until some were tried."""
MOST_NAMED = 12
"""Values of a parameter that a message names."""


@dataclass(frozen=True, slots=True, order=True)
class Offer:
    """A setting that somebody proposed. Offers are in the order of arrival, those of one second by name.

    created_at: RFC 3339, as the API server writes it. name: of the proposal. proposer: who wrote it. values: of the
    parameters that it names, canonical.
    """

    created_at: str
    name: str
    proposer: str
    values: tuple[tuple[str, str], ...]


class FateReason(StrEnum):
    """What became of an offer, in one word."""

    WAITING = "Waiting"
    UNDER_TRIAL = "UnderTrial"
    CERTIFIED = f"Trial{TrialEnd.CERTIFIED}"
    HARMFUL = f"Trial{TrialEnd.HARMFUL}"
    INCONCLUSIVE = f"Trial{TrialEnd.INCONCLUSIVE}"
    NO_SUCH_SETTING = "NoSuchSetting"
    ALREADY_TRIED = "AlreadyTried"
    ALREADY_PROPOSED = "AlreadyProposed"
    SHARE_SPENT = "ShareSpent"
    QUEUE_FULL = "QueueFull"
    TAKES_NONE = "TakesNoProposals"


REFUSED = frozenset(
    {
        FateReason.NO_SUCH_SETTING,
        FateReason.ALREADY_TRIED,
        FateReason.ALREADY_PROPOSED,
        FateReason.SHARE_SPENT,
        FateReason.QUEUE_FULL,
        FateReason.TAKES_NONE,
    }
)
OVER = frozenset({FateReason.CERTIFIED, FateReason.HARMFUL, FateReason.INCONCLUSIVE})


@dataclass(frozen=True, slots=True)
class Fate:
    """What became of an offer. setting: its index, None where it is no setting of the search."""

    offer: Offer
    reason: FateReason
    message: str
    setting: int | None = None


@dataclass(frozen=True, slots=True)
class SearchView:
    """What decides about offers to a search.

    settings: that may be tried. baseline: value of each parameter, which offers that do not name it keep. outcomes: of
    trials that are over. failure_budget: trials of each proposer that may fail. trying: the offer whose trial is under
    way, None for none. requests: that all trials may take, None for no bound. closed: why no further offer is tried, as
    a sentence; "" while some may be. What was tried is told even so.
    """

    settings: Sequence[Setting]
    baseline: Mapping[str, str]
    outcomes: Sequence[TrialOutcome]
    failure_budget: int
    trying: WaitingOffer | None = None
    requests: int | None = None
    closed: str = ""


def fates(offers: Sequence[Offer], view: SearchView) -> tuple[Fate, ...]:
    """What became of each offer, in the order of arrival. None of them moves any request."""
    places = {_whole(view.baseline, each.values): index for index, each in enumerate(view.settings)}
    tried = _tried_values(view.settings)
    told: list[Fate] = []
    counted: set[tuple[int, str]] = set()
    waiting: dict[str, int] = {}
    for offer in sorted(offers):
        setting = places.get(_whole(view.baseline, offer.values))
        if setting is None and view.closed:
            told.append(Fate(offer, FateReason.TAKES_NONE, view.closed))
            continue
        if setting is None:
            told.append(Fate(offer, FateReason.NO_SUCH_SETTING, _not_among(offer, tried)))
            continue
        key = setting, offer.proposer
        reason, message = _fate(offer, setting, view, is_again=key in counted, waiting=waiting.get(offer.proposer, 0))
        counted.add(key)
        if reason is FateReason.WAITING:
            waiting[offer.proposer] = waiting.get(offer.proposer, 0) + 1
        told.append(Fate(offer, reason, message, setting))
    return tuple(told)


def waiting_in(told: Sequence[Fate]) -> tuple[WaitingOffer, ...]:
    """The offers that wait for a trial, in the order of arrival."""
    return tuple(
        WaitingOffer(each.setting, each.offer.proposer, each.offer.name)
        for each in told
        if each.reason is FateReason.WAITING and each.setting is not None
    )


def refused_by_all(offers: Sequence[Offer], message: str) -> tuple[Fate, ...]:
    """The fate of offers to a policy that takes none. message: a sentence that says why, and what to write."""
    return tuple(Fate(each, FateReason.TAKES_NONE, message) for each in sorted(offers))


def _fate(offer: Offer, setting: int, view: SearchView, *, is_again: bool, waiting: int) -> tuple[FateReason, str]:
    name = view.settings[setting].name
    over = next((each for each in view.outcomes if each.setting == setting), None)
    if over is not None and over.proposer == offer.proposer and not is_again:
        return FateReason(f"Trial{over.end}"), _ENDS[over.end].format(name)
    if over is not None:
        return FateReason.ALREADY_TRIED, f"{name} was tried already, and ended as {over.end}. Propose another setting."
    if view.closed:
        return FateReason.TAKES_NONE, view.closed
    if view.trying is not None and view.trying.setting == setting:
        if view.trying.proposer == offer.proposer and not is_again:
            return FateReason.UNDER_TRIAL, f"{name} is tried now, against the baseline."
        return FateReason.ALREADY_TRIED, f"{name} is tried already. Propose another setting."
    if is_again:
        return FateReason.ALREADY_PROPOSED, f"You have proposed {name} before. Delete one of the two proposals."
    failures = failures_of(offer.proposer, view.outcomes)
    if failures >= view.failure_budget:
        return (
            FateReason.SHARE_SPENT,
            f"{counted(failures, 'trial')} that {offer.proposer} proposed failed, as many as search.failureBudget "
            "allows "
            "each proposer. Ask the policy's owner to raise it, or to begin another search.",
        )
    left = own_requests(offer.proposer, view.outcomes, view.requests)
    if left is not None and left < REQUESTS_PER_LOOK:
        return (
            FateReason.SHARE_SPENT,
            f"Of search.budget.requests {left} are left to what {offer.proposer} proposes, too few for a look; the "
            "rest is for other proposers. Ask the policy's owner to raise it, or to begin another search.",
        )
    if waiting >= MOST_WAITING:
        return (
            FateReason.QUEUE_FULL,
            f"{waiting} proposals of {offer.proposer} wait already. This one is looked at again once some were tried.",
        )
    return FateReason.WAITING, f"{name} waits for its trial; proposers take turns. No request gets it before."


def _whole(baseline: Mapping[str, str], values: tuple[tuple[str, str], ...]) -> frozenset[tuple[str, str]]:
    return frozenset({**baseline, **dict(values)}.items())


def _tried_values(settings: Sequence[Setting]) -> dict[str, dict[str, None]]:
    """The values that may be tried, in their order, for each searched parameter."""
    tried: dict[str, dict[str, None]] = {}
    for each in settings:
        for name, value in each.values:
            tried.setdefault(name, {})[value] = None
    return tried


def _not_among(offer: Offer, tried: Mapping[str, Mapping[str, None]]) -> str:
    """Why no setting of the search has these values, and what to write."""
    for name, value in offer.values:
        values = tried.get(name)
        if not values:
            return f"The policy's search does not try the parameter {name}. Remove it from values."
        if value not in values:
            listed = ", ".join(islice(values, MOST_NAMED)) + (", ..." if len(values) > MOST_NAMED else "")
            return f"{name} {value} is none of the values that the policy's search may try. Write one of {listed}."
    return "The policy's search tries no setting with these values together; it may be the baseline. Write another one."


_ENDS = {
    TrialEnd.CERTIFIED: "{} was proven against the baseline.",
    TrialEnd.HARMFUL: "{} was found to do harm, and gets no requests.",
    TrialEnd.INCONCLUSIVE: "The trial of {} ended without a verdict on benefit or harm; its verdict says why.",
}
