"""kubectl earlystop explain: what a policy waits for, and what would change its mind, in plain words."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator

from earlystop.api.plurals import counted
from earlystop.cli.connection import connected, namespace_of, read_from
from earlystop.cli.failure import CommandFailure
from earlystop.cli.missing_words import missing_costs
from earlystop.cli.recorded import with_recorded_looks
from earlystop.cli.screen.aftermath import Paragraph, afterwards
from earlystop.cli.screen.class_map import map_rows, map_waits
from earlystop.cli.screen.classes import class_rows
from earlystop.cli.screen.holds import hold_of, outlook_of
from earlystop.cli.screen.reading import unreadable, with_remaining
from earlystop.cli.screen.stored_status import UNREADABLE
from earlystop.cli.screen.times import duration, forecast_phrase
from earlystop.cli.screen.view import View, view_of
from earlystop.cli.screen.waiting_words import harms_of, promotion_waits, step_waits
from earlystop.cli.terminal import UNLIMITED, console, printable
from earlystop.controller.resources import POLICIES, Manifest
from earlystop.rollout.e_value_words import claim_words, one_in_line
from earlystop.rollout.exposure import shadowed
from earlystop.rollout.formatting import in_percent, in_points, in_settings, rfc3339
from earlystop.rollout.plan import Plan
from earlystop.rollout.state import BETWEEN_TRIALS, ENDED, TRYING, Comparison, Phase, RolloutState
from earlystop.rollout.stored.compressed_looks import started_in
from earlystop.rollout.strategy import strategy_of
from earlystop.rollout.trials.deadline import latest_end
from earlystop.rollout.words.summary import summary
from earlystop.simulation.remaining_time import Remaining


def show_explanation(policy: str, namespace: str | None, context: str | None) -> None:
    """Print what a policy waits for. Raises CommandFailure."""
    found = asyncio.run(_read(namespace, context, policy))
    try:
        paragraphs = list(_explained(with_remaining(view_of(found, time.time(), UNLIMITED))))
    except UNREADABLE:
        raise CommandFailure(unreadable(found)) from None
    shown = console()
    for sentence, items in paragraphs:
        shown.print(printable(sentence), soft_wrap=not shown.is_terminal)
        for item in items:
            shown.print(f"  - {printable(item)}", soft_wrap=not shown.is_terminal)


async def _read(namespace: str | None, context: str | None, policy: str) -> Manifest:
    async with connected(context) as cluster:
        found = await read_from(cluster, POLICIES, namespace_of(namespace, context), policy)
        return await with_recorded_looks(cluster, found)


def explanation(policy: Manifest, now: float, remaining: Remaining | None) -> Iterator[Paragraph]:
    """Everything that there is to explain, a paragraph each. now: Unix seconds. remaining: how long it still takes.

    Raises one of `stored_status.UNREADABLE` for a policy that this release cannot read.
    """
    yield from _explained(view_of(policy, now, UNLIMITED, remaining))


def _explained(view: View) -> Iterator[Paragraph]:
    yield _aim(view)
    yield from _held(view)
    plan, state = view.state.plan, view.state
    if plan is None:
        if hold_of(view) is None:  # else it has been said
            yield outlook_of(view), ()
        return
    if state.phase not in (Phase.SUSPENDED, Phase.HELD):  # what holds it has said so
        yield f"{summary(state)} {view.waiting_edit}".strip(), ()
    yield from _classes(state)
    yield from _map(state)
    if state.phase in ENDED:
        yield afterwards(view)
    elif state.phase in BETWEEN_TRIALS:
        yield "The next trial of the search begins by itself.", ()
    elif state.phase in TRYING or state.phase is Phase.SUSPENDED:
        if state.phase in TRYING:
            yield from _waits(plan, state)
        yield from _back(state)
        yield _end(view), ()
        yield _people(view), ()
    else:
        yield "The decision stands, and is being carried out.", ()


def _aim(view: View) -> Paragraph:
    spec = view.spec
    name = f"{view.policy['metadata']['namespace']}/{view.policy['metadata']['name']}"
    judged = spec.objective
    wanted = (
        f"a setting is to save at least {in_percent(float(judged.tokens.minimum_saving))} of the output tokens, and to "
        f"lose less than {counted(in_points(float(judged.exact_match.margin)), 'point of exact match')} (EM)"
    )
    risk = one_in_line(float(judged.risk.promote))
    tried = [f"{each.name}: {in_settings(spec.candidate_settings(each))}" for each in spec.settings_to_try()]
    target = f"{spec.target_ref.kind} {spec.target_ref.name}"
    sentence = (
        f"{name} tries settings of {target} ({spec.delivery.mode}, {spec.rollout.strategy}) in place of "
        f"{in_settings(spec.baseline_settings())}: {wanted}. "
        f"A promotion by evidence is wrong with a probability of {risk} at most."
    )
    return sentence, tuple(tried)


def _held(view: View) -> Iterator[Paragraph]:
    hold = hold_of(view)
    if hold is not None:
        yield f"It is held ({hold.reason}). {hold.message}", (hold.meaning,) if hold.meaning else ()


def _classes(state: RolloutState) -> Iterator[Paragraph]:
    """Exact Match in each query class that the policy names, of each candidate that was compared."""
    for each in state.comparisons:
        told = tuple(
            f"{name}: {baseline} % to {candidate} %, difference {difference}; a loss of {margin} is allowed"
            for name, baseline, candidate, difference, margin in class_rows(each)
        )
        if told:
            yield f"EM by query class, of the baseline and of {each.name}, with the interval of the difference:", told


def _map(state: RolloutState) -> Iterator[Paragraph]:
    """Which settings are proven in each query class, where each class gets a setting of its own."""
    told = tuple(f"{name}: {'; '.join(others)}" for name, *others in map_rows(state))
    if told:
        yield "Each query class gets the proven setting that saves most in it, and the baseline where none is:", told


def _waits(plan: Plan, state: RolloutState) -> Iterator[Paragraph]:
    """What each candidate's promotion waits for, and the next step."""
    at = state.last_look_at
    if at is None or state.evidence_from is None:
        yield "It waits for its first look at the counts of this step; nothing is judged before.", ()
        return
    done, noun = ("promoted", "promotion") if strategy_of(plan).promotes else ("recommended", "recommendation")
    if plan.is_per_class:
        yield f"The map of query classes is {done} when there is:", map_waits(plan, state, at)
    for each in () if plan.is_per_class else state.active:
        waits = promotion_waits(plan, state, each.name, at)
        if waits:
            yield f"{each.name} is {done} when there is:", waits
        else:
            yield f"Everything that a {noun} of {each.name} needs is there.", ()
        yield from ((sentence, ()) for sentence in missing_costs(each))
    following = step_waits(plan, state, at)
    if following:
        yield "The next step, with more requests for candidates, waits for:", following
    elif state.step + 1 < len(plan.stages):
        yield "The next step follows at the next look.", ()


def _back(state: RolloutState) -> Iterator[Paragraph]:
    """What takes candidates back, with how near that is."""
    shadowed_ones = shadowed(state)
    for each in state.active:
        what = (
            f"{each.name}, which no user sees, is out"
            if each.name in shadowed_ones
            else f"Requests of {each.name} go back to the baseline at once"
        )
        yield f"{what} when it is proven that:", tuple(_harms(each))


def _harms(comparison: Comparison) -> Iterator[str]:
    for words, log_e, risk in harms_of(comparison):
        if risk > 0:
            yield f"{words} ({claim_words(log_e, log_e, risk)})"


def _end(view: View) -> str:
    """What happens without a verdict, and when one is to be expected."""
    rollout = view.spec.rollout
    end = latest_end(rollout.deadline_seconds, view.state)
    told = "" if view.remaining is None else (f" As it looks: {forecast_phrase(view, view.remaining, end - view.now)}.")
    by = f"by {rfc3339(end)} (in {duration(end - view.now)}){_or_after_requests(view.state)}"
    return f"Without a verdict {by}, {_then(view)}.{told}"


def _or_after_requests(state: RolloutState) -> str:
    """How many requests end the campaign before its time does, where a search bounds them; "" elsewhere."""
    plan = state.plan
    if plan is None:
        return ""
    had = max((started_in(each.looks) for each in state.comparisons), default=0)
    if plan.trial is not None:
        return f" or within {counted(plan.trial.requests, 'request')}, more where it has come far ({had:,} so far)"
    budget = None if plan.spec.search is None else plan.spec.search.budget
    if budget is None or budget.requests is None:
        return ""
    return f" or within the {counted(budget.requests, 'request')} of the search"


def _then(view: View) -> str:
    """What follows when the time of a campaign is over. A trial leaves the setting that is proven so far."""
    progress = view.state.search
    if progress is not None and view.state.plan is not None and view.state.plan.trial is not None:
        serving = "the baseline" if progress.incumbent is None else f"{progress.incumbent.name}, which is proven"
        return f"this trial ends undecided, and its requests go to {serving}"
    if view.spec.rollout.on_inconclusive == "Hold":
        return "the weights stay as they are, for a person to decide"
    if view.state.plan is not None and not strategy_of(view.state.plan).promotes:
        return "the campaign ends and recommends nothing"
    return "all requests go back to the baseline"


def _people(view: View) -> str:
    named = f"{view.policy['metadata']['name']} -n {view.policy['metadata']['namespace']}"
    verbs = "resume, abort or promote" if view.state.phase is Phase.SUSPENDED else "pause, abort or promote"
    return f"Who does not want to wait: kubectl earlystop {verbs} {named}."
