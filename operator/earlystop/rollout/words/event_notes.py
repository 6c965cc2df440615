"""What changed between two states, as events that a person understands."""

from __future__ import annotations

from earlystop.api.plurals import counted
from earlystop.rollout.certificate.evaluators import EVALUATORS_DIFFER
from earlystop.rollout.certificate.words import certificate_notes
from earlystop.rollout.formatting import difference_in_points, in_count, in_hundredths, in_percent, in_settings
from earlystop.rollout.guard.busy_words import load_notes
from earlystop.rollout.guard.notes import guard_notes
from earlystop.rollout.hooks.conditions import GIVEN_UP, given_up_notes, job_sentence, new_jobs, trouble_sentence
from earlystop.rollout.hooks.outbox import JobResult
from earlystop.rollout.observations import VERDICT_MISSING, Observations
from earlystop.rollout.search.space import settings_of
from earlystop.rollout.search.trial import TrialEnd
from earlystop.rollout.settling import answers_are_outstanding, outstanding
from earlystop.rollout.state import NOT_CHOSEN, Phase, RolloutState
from earlystop.rollout.strategy import strategy_of
from earlystop.rollout.trials.words import interrupted_sentence, started_sentence, trial_phrase, trial_sentence
from earlystop.rollout.waiting.approval_words import awaiting_sentence
from earlystop.rollout.waiting.gate_news import news_of_gates
from earlystop.rollout.waiting.gate_words import GATE_CLOSED, GATE_TIMED_OUT, gate_sentence
from earlystop.rollout.waiting.gates import GateAnswer, GateState, awaits_gates_alone
from earlystop.rollout.words.event_note import EventNote as EventNote
from earlystop.rollout.words.findings import Findings, finding_notes, findings_of
from earlystop.rollout.words.step_messages import refuted_sentence
from earlystop.rollout.words.summary import summary

COMPARED = ("OverlayMisses", "ForgedRequests", "NeverApplied", "SettingsNotWritten")
"""Reasons of weights that are in force, and of something about requests that a person has to know."""
READ_WITH_DOUBT = ("ScrapeIntervalDiffers", "ClockBehind")
"""Reasons of counts that can be read, and of something about reading that a person has to put right."""
ERROR_NOTE = EventNote(
    "InternalError",
    "Reconcile",
    "The operator met an error of its own with this policy, and tries again every few seconds; weights stay as they "
    "are meanwhile. Look at the operator's log, and report the error. Other policies go on.",
    warning=True,
)


def event_notes(before: RolloutState, after: RolloutState, told: Findings | None = None) -> tuple[EventNote, ...]:
    """The events that tell how `before` became `after`, oldest first; none when there is nothing to tell a person.
    told: the findings that people were told of, None for those of `before`."""
    notes = _search_notes(before, after)
    notes += _hook_notes(before, after)
    notes += [_gate_note(*each) for each in news_of_gates(before, after)]
    if after.campaign != before.campaign:
        notes.extend(_closed_evidence(before, after))
        plan = after.pinned_plan
        notes.append(
            EventNote(
                "CampaignStarted",
                "StartCampaign",
                f"Campaign {after.campaign} tries {' | '.join(map(in_settings, plan.settings))} against the baseline "
                f"{in_settings(plan.baseline_settings)}{strategy_of(plan).describe(plan)}.{trial_phrase(after)}",
            )
        )
    if (after.phase, after.step, after.campaign) != (before.phase, before.step, before.campaign):
        notes.extend(_phase_notes(before, after))
    notes.extend([*guard_notes(before, after), *load_notes(before, after)])
    notes.extend(certificate_notes(before, after))
    notes.extend(_candidate_notes(before, after))
    notes.extend(_approval_notes(before, after))
    notes.extend(finding_notes(findings_of(before) if told is None else told, after))
    return tuple(notes)


def _gate_note(answer: GateAnswer, what: str) -> EventNote:
    """The event about a gate that is asked, or has answered, or did not in time. what: what it holds, in words."""
    match answer.state:
        case GateState.WAITING:
            return EventNote("GateWaiting", "AskGate", gate_sentence(answer, what))
        case GateState.OPEN:
            return EventNote("GateOpen", "AskGate", gate_sentence(answer, what))
        case GateState.CLOSED:
            return EventNote(GATE_CLOSED, "AskGate", gate_sentence(answer, what), warning=True)
    return EventNote(GATE_TIMED_OUT, "AskGate", gate_sentence(answer, what), warning=True)


def _hook_notes(before: RolloutState, after: RolloutState) -> list[EventNote]:
    """The events about occurrences that were given up, and about Jobs that were started or have ended."""
    told = given_up_notes(before.outbox, after.outbox)
    notes = [EventNote(GIVEN_UP, "TellHook", each, warning=True) for each in told]
    for hook, job in new_jobs(before.outbox, after.outbox):
        match job.result:
            case JobResult.RUNNING:
                notes.append(EventNote("JobRunning", "RunJob", job_sentence(hook, job)))
            case JobResult.SUCCEEDED:
                notes.append(EventNote("JobSucceeded", "RunJob", job_sentence(hook, job)))
            case JobResult.FAILED:
                notes.append(EventNote("JobFailed", "RunJob", job_sentence(hook, job), warning=True))
    return notes


def _search_notes(before: RolloutState, after: RolloutState) -> list[EventNote]:
    """The events that tell how a search went on, oldest first; none outside of one."""
    now = after.search
    if now is None or now is before.search:
        return []
    then = before.search if before.search is not None and before.search.number == now.number else None
    notes = []
    if then is None:
        number = len(settings_of(after.pinned_plan.spec))
        notes.append(EventNote("SearchStarted", "StartSearch", started_sentence(after, number)))
    for record in now.trials[0 if then is None else len(then.trials) :]:
        is_harm = record.outcome.end is TrialEnd.HARMFUL
        notes.append(EventNote("TrialEnded", "EndTrial", trial_sentence(record), warning=is_harm))
    if now.interruptions > (0 if then is None else then.interruptions) and now.ended is None:
        notes.append(EventNote("TrialInterrupted", "EndTrial", interrupted_sentence(after), warning=True))
    if now.ended is not None and (then is None or then.ended is None):
        is_baseline = after.phase is Phase.ROLLED_BACK
        notes.append(EventNote("SearchEnded", "EndSearch", now.ended.message, warning=is_baseline))
    return notes


def _approval_notes(before: RolloutState, after: RolloutState) -> list[EventNote]:
    """The events about a decision that begins to wait for people, or that the evidence no longer asks for."""
    then, now = before.awaiting, after.awaiting
    is_new = then is None or now is None or not now.is_same_as(then) or before.campaign != after.campaign
    if now is not None and is_new and not awaits_gates_alone(after.gates):
        return [EventNote("AwaitingApproval", "AskPeople", awaiting_sentence(after))]
    same = before.campaign == after.campaign and after.decision is before.decision
    if same and then is not None and then.by_evidence and now is None and not awaits_gates_alone(before.gates):
        message = f"Candidate {then.candidate} is not promoted by now, so nobody need approve it any more."
        return [EventNote("ApprovalWithdrawn", "AskPeople", message)]
    return []


def _candidate_notes(before: RolloutState, after: RolloutState) -> list[EventNote]:
    """Events about one candidate of several, as when it is certified or dropped."""
    if after.plan != before.plan or len(after.comparisons) < 2:
        return []
    notes = []
    earlier = {each.name: each for each in before.comparisons}
    for new in after.comparisons:
        old = earlier[new.name]
        if new.dropped is not None and old.dropped is None and new.dropped.reason != NOT_CHOSEN:
            notes.append(EventNote("CandidateDropped", "DropCandidate", new.dropped.message, warning=True))
        if new.certified_at is not None and old.certified_at is None:
            assessment = new.assessment
            message = (
                f"Candidate {new.name} is proven: EM difference {difference_in_points(assessment.effect)}, saving "
            )
            notes.append(EventNote("CandidateCertified", "Certify", f"{message}{in_percent(assessment.saving)}."))
    return notes


def _phase_notes(before: RolloutState, after: RolloutState) -> list[EventNote]:
    text = summary(after)
    match after.phase:
        case Phase.APPLYING if before.dispersion != after.dispersion and after.dispersion is not None:
            factor = in_hundredths(after.dispersion)
            scatter = f"The baseline's answers scatter {factor} times as much as independent ones would"
            return [EventNote("DispersionLearned", "Learn", f"{scatter}; evidence counts that much less. {text}")]
        case Phase.APPLYING if before.phase == Phase.SUSPENDED:
            return [EventNote("Resumed", "Resume", text)]
        case Phase.APPLYING if after.campaign == before.campaign and _only_fewer(before, after):
            return []  # there is an event about each candidate that was dropped
        case Phase.APPLYING if after.step > before.step and after.campaign == before.campaign:
            why = refuted_sentence(after.pinned_plan, before, after)
            return [
                EventNote(
                    "StepAdvanced", "RaiseWeight", " ".join(filter(None, (text, why, f"So far: {summary(before)}")))
                )
            ]
        case Phase.SETTLING:
            return [EventNote("WeightsInForce", "ProveTraffic", text)]
        case Phase.OBSERVING if answers_are_outstanding(after):
            return [EventNote("AnswersOutstanding", "Settle", outstanding(after), warning=True)]
        case Phase.SUSPENDED:
            return [EventNote("Suspended", "Suspend", text)]
        case Phase.PROMOTED | Phase.ROLLED_BACK if after.search is not None:
            return []  # the end of a search is told by an event of its own
        case Phase.PROMOTED:
            return [EventNote("Promoted", "Promote", text)]
        case Phase.ROLLED_BACK:
            return [EventNote("RolledBack", "RollBack", text, warning=True)]
        case Phase.HELD:
            return [EventNote("Inconclusive", "Hold", text, warning=True)]
        case Phase.REPORTED:
            return [EventNote("Reported", "Report", text)]
        case _:
            return []


def _closed_evidence(before: RolloutState, after: RolloutState) -> list[EventNote]:
    """The event of a campaign that ended without a verdict since another one was asked for: nothing of it is lost in
    silence. A campaign without any look had no evidence."""
    looks = sum(len(each.looks) for each in before.comparisons)
    if before.decision is not None or not looks:
        return []
    asked = "an edit of the policy" if before.pinned_plan.spec != after.pinned_plan.spec else "a new beginning"
    stood = "; ".join(
        f"{each.name} stood at an EM difference of {difference_in_points(each.assessment.effect)}"
        for each in before.comparisons
        if each.looks
    )
    message = (
        f"Campaign {before.campaign} ended without a verdict after {counted(in_count(looks), 'look')}, closed by "
        f"{asked}: {stood}."
        f" Nothing that it counted is evidence of campaign {after.campaign}; what it spent of the risks counts."
    )
    return [EventNote("EvidenceClosed", "CloseCampaign", message, warning=True)]


def _only_fewer(before: RolloutState, after: RolloutState) -> bool:
    """Whether a new step has fewer candidates and is of the same stage."""
    plan = after.pinned_plan
    return {each.name for each in after.active} != {each.name for each in before.active} and plan.stage(
        after.step
    ) == plan.stage(before.step)


def observation_notes(before: Observations, after: Observations) -> tuple[EventNote, ...]:
    """Events about acceptance, metrics, traffic and storage whose reason changed."""
    notes = []
    if after.refusal is not None and after.refusal != before.refusal:
        notes.append(EventNote(after.refusal.reason, "Check", after.refusal.message, warning=True))
    if before.refusal is not None and after.refusal is None:
        notes.append(EventNote("Accepted", "Check", "The policy can be carried out as written now."))
    for name, old, new in (("Metrics", before.metrics, after.metrics), ("Traffic", before.traffic, after.traffic)):
        if new.status == "False" and (old.status, old.reason) != (new.status, new.reason):
            notes.append(
                EventNote(new.reason, f"Read{name}" if name == "Metrics" else "ApplyTraffic", new.message, True)
            )
        if new.reason in READ_WITH_DOUBT and new.reason != old.reason:
            notes.append(EventNote(new.reason, "ReadMetrics", new.message, warning=True))
        if new.reason == "CountsDisagree" and old.reason != "CountsDisagree":
            notes.append(EventNote(new.reason, "CompareCounts", new.message, warning=True))
        if new.reason in COMPARED and new.reason != old.reason:
            notes.append(EventNote(new.reason, "CompareTraffic", new.message, warning=True))
        if old.status == "False" and new.status == "True":
            notes.append(EventNote(f"{name}Recovered", f"Recover{name}", new.message))
    known = {(each.hook, each.reason) for each in before.hooks}
    notes += [
        EventNote(each.reason, "TellHook", trouble_sentence(each), warning=True)
        for each in after.hooks
        if (each.hook, each.reason) not in known
    ]
    if after.evaluators and not before.evaluators:
        notes.append(EventNote(EVALUATORS_DIFFER, "CompareTarget", after.evaluators, warning=True))
    if after.storage is not None and before.storage is None:
        notes.append(EventNote("VerdictNotStored", "StoreVerdict", after.storage, warning=True))
    if after.record is not None and before.record is None:
        notes.append(EventNote(VERDICT_MISSING, "ReadVerdict", after.record, warning=True))
    return tuple(notes)
