"""Every reason constant that a condition or an event may carry, with a sentence that says what it means and what to do.

`python -m earlystop.api.reasons.every operator/docs/reasons.md` writes the page for users.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType

from earlystop.api.conditions import ConditionType as Type
from earlystop.api.reasons.counts import COUNT_ROWS, SOURCE
from earlystop.api.reasons.in_service import IN_SERVICE_ROWS
from earlystop.api.reasons.injector import injector_rows
from earlystop.api.reasons.missing import MISSING_REASONS
from earlystop.api.reasons.page import Reason, page_of
from earlystop.api.reasons.query_classes import CLASS_REASONS, HEADER_REASONS
from earlystop.api.reasons.search import search_rows
from earlystop.api.reasons.settings import settings_rows
from earlystop.api.reasons.traffic import DECISION, EVENT, PREFLIGHT, TRAFFIC, TRAFFIC_FAULT, TRAFFIC_ROWS, VERDICT
from earlystop.api.reasons.waiting import EDIT_WAITS, HELD_PROMOTION_REASONS, WAITING_REASONS
from earlystop.api.reasons.workload import WORKLOAD_ROWS

REFUSAL = (Type.ACCEPTED.value, Type.READY.value, Type.COMPLETED.value, EVENT)
PHASE = (Type.READY.value, Type.PROGRESSING.value, Type.PROMOTED.value, Type.ROLLED_BACK.value)
ENDED_PHASE = (Type.READY.value, Type.PROGRESSING.value)

_TABLE: tuple[tuple[tuple[str, ...], Mapping[str, str]], ...] = (
    (
        REFUSAL,
        {
            "NotBuilt": "The policy asks for a part of the API that this release cannot carry out yet, which the API "
            "server refuses in new policies; write what the message names instead.",
            "VariantsNotTold": "The chosen counters cannot tell these variants apart; write preset EarlyStop, or "
            "counters with a label for the variant.",
            "NameReserved": "The operator itself uses this name of a candidate or parameter; write another.",
            "ShadowNeedsPairs": "Judging in shadow needs pairs that only the EarlyStop preset counts, and has no live "
            "answers; change the preset, or remove what the message names.",
            "CountsMissing": "The MetricSource has no template for a count that the objective needs; ask the cluster's "
            "admin to write it, or remove that part of the objective.",
            "PinnedBaselineUnusable": "The values of baseline.pinned are no setting of the policy's parameters; write "
            "what the message names.",
            "BodyNotWritten": "Parameters say where they stand in requests' bodies, and the delivery mode writes into "
            "none; remove parameters[].body, or write a mode that does.",
            "BaselineNotProven": "The setting in baseline.values was not proven since baseline.pinned, so nobody knows "
            "its loss; write values that were, or pin them.",
            "MarginSpent": "Promotions since baseline.pinned have used the margin, or as many were made as "
            "baseline.pinned.promotions says; raise it, or pin the baseline in use, which begins a margin anew.",
            "SourceNotFound": "There is no MetricSource of this name; ask the cluster's admin to create it, or name "
            "another.",
            "SourceUnusable": "The url of the MetricSource cannot be used; ask the cluster's admin to fix it.",
            "TargetTaken": "Another policy has the traffic of this target or route; delete one of the two. A campaign "
            "that ended with all requests on the baseline leaves its target to others by itself.",
        },
    ),
    (
        PREFLIGHT,
        {
            "BeingDeleted": "The policy was deleted, and finalizers of others keep its object: its campaign is "
            "aborted and no other one begins. Whoever put a finalizer there removes it.",
            "TargetNotFound": "The target's Deployment is not in the policy's namespace; create it or correct "
            "spec.targetRef.name.",
            "RouteNotFound": "The HTTPRoute is not in the policy's namespace; create it there or correct "
            "routeRef.name.",
            "ServiceElsewhere": "The route leads to a Service of another namespace; keep policy, route, Service and "
            "target in one namespace.",
            "ServiceNotFound": "The route leads to a Service that does not exist; create it or correct the route's "
            "backendRef.",
            "RouteMissesTarget": "No rule of the route leads to the target's Pods; point a backendRef at a Service "
            "that selects them.",
            "RouteDrained": "The route's backendRef to the target has weight 0, so no request is sent there; give it a "
            "weight when it is to have requests again.",
            "RouteSplitsAlready": "A rule of the route splits traffic between backends itself; give the target a rule "
            "with one backendRef.",
            "BackendFilters": "A backendRef of the route has filters, where the overlay needs its own; move them to "
            "the rule.",
            "RouteRewritesPrefix": "A rule of the route replaces a path prefix and has several matches, or one by "
            "another path; give each prefix a rule of its own.",
            "MirrorReachesTarget": "A rule of the route sends copies of its requests to the target's own Pods, which "
            "would count each request twice; mirror to other Pods.",
            "SessionPersistence": "The route has sessionPersistence, which beats weights; remove it.",
            "HeaderReserved": "The route matches on a header that the overlay needs for itself; match on another.",
            "RouteWithoutPost": "No rule of the route brings POST requests for the policy's paths to the target; "
            "change the rule's matches, or write spec.delivery.paths.",
            "RouteTooSpecific": "A match of the route cannot be made stricter, so an overlay might not win over it; "
            "write it as the message says.",
            "RouteOverlaps": "Another rule, of the route or of another route for the host, takes some of the same "
            "requests away from the target; give the two different paths.",
            "RouteHasPolicies": "A policy of a gateway hangs on the route or its Service by name and would not hold "
            "for the overlay; let it name the overlay as well, as the message says.",
            "PoliciesUnreadable": "The operator may not list a kind of policies that may protect the route; add it to "
            "the chart's extraPolicyKinds.",
            "RouteDetached": "The route names no Gateway; write its parentRefs.",
            "GatewayNotFound": "The route names a Gateway that does not exist; create it or correct parentRefs.",
            "RouteNotAllowed": "The Gateway's listeners do not admit routes of this namespace; ask the Gateway's owner "
            "to allow it in allowedRoutes.",
            "RouteNotAccepted": "The Gateway does not accept the route; fix the route until its status shows "
            "Accepted=True.",
            "NoMatchingListener": "No listener of the Gateway takes the route; correct sectionName, port and "
            "hostnames, or add a listener.",
            "RouteManaged": "Another tool moves this route's traffic, too; let one of them do it, as the message says.",
            "GatewayUnfit": "The Gateway cannot do what this delivery mode needs; use another gateway or mode, or "
            "requestBody.split: Injector, which needs no filters on backends.",
            **HEADER_REASONS,
            "OverlayTooLarge": "The overlay would have more rules or matches than Gateway API allows; write fewer "
            "rules, candidates or cohort values.",
            "AliasOutdated": "A variant's Service (an alias, which the operator made) no longer fits your own Service, "
            "which was created anew; the operator has it taken away within a minute, and makes it again.",
            "NameTaken": "An object of a name that the operator needs belongs to someone else; remove or rename it.",
        },
    ),
    *COUNT_ROWS,
    *TRAFFIC_ROWS,
    *settings_rows(PREFLIGHT),
    *injector_rows(PREFLIGHT, TRAFFIC_FAULT, (*TRAFFIC, EVENT)),
    *WORKLOAD_ROWS,
    *IN_SERVICE_ROWS,
    *search_rows(REFUSAL),
    ((Type.PROGRESSING.value, EVENT), MISSING_REASONS),
    ((*TRAFFIC, Type.METRICS_AVAILABLE.value), {"NotYet": "Nothing has been asked for yet; nothing is to be done."}),
    (
        (Type.READY.value, EVENT),
        {
            "InternalError": "The operator met an error of its own and tries again; report what its log says. It is "
            "taken back by itself when the policy goes on."
        },
    ),
    (
        (Type.ACCEPTED.value, EVENT),
        {"Accepted": "The policy can be carried out as written; nothing is to be done."},
    ),
    (
        (Type.READY.value, EVENT),
        {
            "VerdictNotStored": "The verdict could not be stored, so nothing acts on it yet; read in the message what "
            "stands in the way.",
            "VerdictMissing": "The verdict that holds the looks of the promotion was removed or changed. The "
            "guard watches on; restore the verdict from a backup, or start a new campaign by a retry.",
        },
    ),
    (
        (Type.SAMPLE_RATIO_OK.value, Type.PROGRESSING.value, EVENT),
        {
            "TrafficSplitMismatch": "Requests do not arrive as the weights say, so nothing is promoted; check the "
            "gateway and the headers that clients send, then retry."
        },
    ),
    ((Type.PROGRESSING.value, EVENT), WAITING_REASONS),
    (
        (Type.SETTING_EFFECTIVE.value, Type.PROGRESSING.value, EVENT),
        {
            "SettingNotEffective": "Answers are as long as the baseline's, so the setting does not seem to reach the "
            "engine; check that the server reads what delivery.mode sets (header, body, file or argument), then retry."
        },
    ),
    (
        (Type.SETTING_EFFECTIVE.value,),
        {
            "TokensMoved": "The setting changes how long answers are; nothing is to be done.",
            "NotShownYet": "There are not enough answers yet to tell whether the setting does anything; wait.",
        },
    ),
    (
        (Type.SAMPLE_RATIO_OK.value,),
        {
            "AsWeighted": "Requests are split as the weights say; nothing is to be done.",
            "NoEvidenceYet": "No requests were compared yet; wait.",
            "NotSplit": "Requests are not split by weights in this mode, so no ratio is expected.",
        },
    ),
    (
        PHASE,
        {
            "Pending": "No campaign has begun, or the operator has not read the object yet; one begins when the policy "
            "is accepted and not suspended.",
            "Applying": "The weights of a step are being put in force; wait.",
            "Settling": "Evidence of the step begins when its answers are nearly all in; wait.",
            "Observing": "Requests of both variants are compared; wait for the verdict.",
            **HELD_PROMOTION_REASONS,
            "Promoting": "The candidate is being given all requests; wait.",
            "RollingBack": "All requests are being given to the baseline; wait.",
            "Holding": "The campaign ended without a verdict, and its weights are being kept; wait.",
            "Reporting": "The campaign's result is being stored; wait.",
        },
    ),
    (
        (*PHASE, EVENT),
        {"Suspended": "The campaign stands still at its weights; set spec.suspend to false to go on."},
    ),
    (
        (Type.READY.value,),
        {
            EDIT_WAITS: "By an edit or a retry the policy asks for another campaign, which does not begin while the "
            "policy is suspended; set spec.suspend to false to begin it."
        },
    ),
    (
        (Type.COMPLETED.value,),
        {"InProgress": "The campaign is under way; the condition Progressing says how far it is."},
    ),
    (
        ENDED_PHASE,
        {"Held": "The campaign ended without a verdict and keeps its weights; edit the policy or retry it to go on."},
    ),
    (
        (*ENDED_PHASE, Type.COMPLETED.value, EVENT),
        {
            "Promoted": "The candidate has all requests; nothing is to be done.",
            "RolledBack": "The baseline has all requests; read the verdict, and edit the policy to try another.",
            "Reported": "The result of a campaign in shadow is stored; read the verdict's recommendation.",
        },
    ),
    (
        VERDICT,
        {
            "NonInferiorAndSaving": "The candidate is proven to be no worse than the margin and to save enough tokens.",
            "MostProvenSaving": "Of several candidates that are proven, this one saves most.",
            **CLASS_REASONS,
            "HarmShown": "The candidate is proven to lose more Exact Match than the margin; try a more careful "
            "setting.",
            "BelowFloor": "The candidate's Exact Match is proven to be below the floor; try a more careful setting, or "
            "write a lower floor where the baseline is below it too (the policy's status says so).",
            "GuardrailBroken": "A rate of bad events is proven to be above its guardrail, which the message names.",
            "EveryCandidateDropped": "Harm was proven of every candidate; try more careful settings.",
            "NoMetrics": "Counts could not be read for too long, and the policy asks for the baseline then; fix the "
            "metrics source and retry. A trial of a search goes on later by itself.",
            "DeadlineExceeded": "Neither benefit nor harm was proven by the deadline, or all was proven and something "
            "held the promotion, which the message names with what to do; else retry with more traffic, a longer "
            "deadline or a larger margin.",
            "QuestionsExhausted": "Each golden question is evidence once, and none is left; add as many as the message "
            "says and retry, or let the verdict be about their file.",
            "RecordFull": "The status can hold no more looks; retry with a larger rollout.lookSeconds.",
            "Aborted": "A person aborted the campaign; the verdict says who.",
            "PromotedByPerson": "A person promoted the candidate, which proves nothing; the verdict says who.",
        },
    ),
    (
        (EVENT,),
        {
            "CampaignStarted": "A campaign has begun; the message says what it tries.",
            "WeightsInForce": "The weights of a step are in force.",
            "StepAdvanced": "The candidates get a larger share of requests.",
            "Resumed": "The campaign goes on after a suspension.",
            "Inconclusive": "Nothing was proven by the end, which the message explains; edit the policy or retry it.",
            "DispersionLearned": "The baseline showed how much its answers scatter; evidence is discounted by it.",
            "CandidateCertified": "All claims of one of several candidates are proven.",
            "CandidateDropped": "One of several candidates gets no more requests; the message says why.",
            "MetricsRecovered": "Counts can be read again.",
            "TrafficRecovered": "The weights are in force again.",
            "EditFollowed": "An object of the operator's follows an edit of your route or Service; do nothing.",
            "DriftCorrected": "An object differed from what the policy needs when the operator started; do nothing.",
            "ForeignEditUndone": "Someone changed an object of the operator's, and it was put right; suspend the "
            "policy before editing its traffic.",
            "RequestRefused": "A person's request by annotation is refused for good; the message says what to write.",
            "RequestIgnored": "A person's request by annotation is about another campaign, or was dealt with before, "
            "and nothing is done about it; if it is meant anew, write the text that the message names.",
            "Unreadable": "The policy, or the verdict that alone holds its plan, cannot be read, and nothing is done "
            "about the policy; fix what the message names.",
        },
    ),
)


def _reasons() -> Iterator[Reason]:
    for appears, sentences in _TABLE:
        for name, sentence in sentences.items():
            more = _ALSO.get(name, ())
            yield Reason(name, (*appears, *(each for each in more if each not in appears)), sentence)


# Reasons of a family that stand in more conditions than the others of it.
_ALSO: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "Pending": (Type.COMPLETED.value, SOURCE),
        "Aborted": (Type.COMPLETED.value,),
        "Inconclusive": (Type.COMPLETED.value,),
        "TooManySeries": REFUSAL,
        "TemplatesUnusable": REFUSAL,
    }
)

REASONS: Mapping[str, Reason] = MappingProxyType({each.name: each for each in _reasons()})
"""Every reason constant by its name."""


def page() -> str:
    """The page for users, in Markdown."""
    return page_of(REASONS.values(), SOURCE, EVENT, DECISION)


def main() -> None:
    """Write the page to the file named by the first argument."""
    path = Path(sys.argv[1])
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(page())


if __name__ == "__main__":
    main()
