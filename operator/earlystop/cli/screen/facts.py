"""Facts that only some policies have, a line each: what waits for people, a guard, a certificate that does not hold, a
search, and what is spent of a shared margin and risk.

Who has another one adds a function to FACTS.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from earlystop.api.plurals import counted
from earlystop.cli.screen.certificate import certificate_facts
from earlystop.cli.screen.fitting import LABEL_WIDTH, Block, labelled, said
from earlystop.cli.screen.guard import guard_facts
from earlystop.cli.screen.holds import meaning_of, news_in
from earlystop.cli.screen.hook import hook_facts
from earlystop.cli.screen.search import has_ended, search_facts
from earlystop.cli.screen.times import duration
from earlystop.cli.screen.together import together_facts
from earlystop.cli.screen.view import View
from earlystop.evidence.empirical_bernstein import BoundedTokenProcess
from earlystop.rollout.answer_limit import LimitSource, answer_limit
from earlystop.rollout.formatting import from_rfc3339
from earlystop.rollout.state import Phase
from earlystop.rollout.words.deletion import deletion_message, held_by

FAR_LIMIT = 50
"""A limit of so many mean lengths takes about four times the answers that one of seven takes, and a larger one more."""


def fact_blocks(view: View) -> Iterator[Block]:
    """A block for each fact: its name in front, and what there is to say."""
    for of_view in FACTS:
        for label, text in of_view(view):
            is_short = len(label) <= LABEL_WIDTH
            yield Block((labelled(label, said(text)) if is_short else labelled("", said(f"{label}: {text}")),), rank=2)


def _search(view: View) -> Iterator[tuple[str, str]]:
    yield from search_facts(view.status)
    yield from together_facts(view)
    search, stored = view.spec.search, view.status.get("search")
    if search is None or not stored or stored.get("ended"):
        return
    ends = ["no other setting is worth a trial"]
    if search.budget is not None and search.budget.seconds is not None:
        left = from_rfc3339(stored["startedAt"]) + search.budget.seconds - view.now
        ends.append(f"{duration(left)} are over")
    if search.budget is not None and search.budget.requests is not None:
        most = counted(search.budget.requests, "request is", "requests are")
        ends.append(f"{most} compared ({stored['requests']:,} in trials that are over)")
    yield "ends", f"by itself, when {' or '.join(ends)}"


def _commit(view: View) -> Iterator[tuple[str, str]]:
    """What follows for people from a promotion that is proven. A search says it by itself."""
    certified = view.status.get("certified") or {}
    if view.state.phase is not Phase.PROMOTED or view.spec.search is not None or not certified.get("values"):
        return
    metadata = view.policy["metadata"]
    command = f"kubectl earlystop diff {metadata['name']} -n {metadata['namespace']} -f FILE"
    yield "commit", f"`{command}` prints what to write into the policy's file"


def _next(view: View) -> Iterator[tuple[str, str]]:
    """What people may do after a rollback: what its reason means, and how the same is tried again. What the end of a
    search means for all its settings, its own message says."""
    decision = view.state.decision
    meaning = meaning_of(decision.reason) if view.state.phase is Phase.ROLLED_BACK and decision is not None else ""
    if decision is None or not meaning:
        return
    metadata = view.policy["metadata"]
    if holders := held_by(metadata):
        yield "next", deletion_message(holders)
        return
    again = f"`kubectl earlystop retry {metadata['name']} -n {metadata['namespace']}` tries the same again."
    meant = "" if has_ended(view.status) else news_in(meaning, decision.message)
    yield "next", f"{meant} {again}".strip()


def _margin(view: View) -> Iterator[tuple[str, str]]:
    """What promotions since a pinned baseline have spent of the margin."""
    margin = view.status.get("margin")
    if not margin:
        return
    spent, left, campaign = (f"{100 * float(margin[name]):g}" for name in ("spent", "left", "campaign"))
    yield (
        "margin",
        f"{counted(spent, 'point')} spent, {left} left against the pinned baseline; promotion {margin['promotion']} of "
        f"{margin['promotions']} may lose {campaign}",
    )


def _limit(view: View) -> Iterator[tuple[str, str]]:
    """The longest possible answer, where caps of the variants or the MetricSource say it."""
    plan = view.state.plan
    if plan is None or not plan.objective.limit_is_derived or view.state.phase is Phase.PROMOTED:
        return
    longest = counted(plan.objective.longest_answer or 0, "token")
    by_caps = answer_limit(plan.spec, plan.objective.engine, plan.longest_answer).source is LimitSource.CAPS
    if any(each.evidence.passes_limit for each in view.state.comparisons):
        limit = f"the cap of {longest}" if by_caps else f"the {longest} of the MetricSource"
        yield "answers", f"some are longer than {limit}, so the saving is not tested by that limit"
    else:
        yield (
            "answers",
            f"at most {longest} by {'their caps' if by_caps else 'the MetricSource'}, so the saving is tested exactly"
            + _cost_of_limit(view),
        )


def _cost_of_limit(view: View) -> str:
    """That the exact test takes many more answers, where the limit is far above their mean length: a policy's author
    did not write it."""
    processes = [each.evidence.exact_tokens for each in view.state.comparisons]
    times = max([_mean_lengths(each) for each in processes if each is not None], default=0.0)
    if times < FAR_LIMIT:
        return ""
    return (
        f"; that is {times:,.0f} times their mean length, which takes several times the answers: "
        "objective.tokens.longestAnswer of the policy counts before it"
    )


def _mean_lengths(process: BoundedTokenProcess) -> float:
    """How many of the baseline's mean lengths the limit is; 0 before any answer."""
    seen = process.past_baseline
    return process.bound * seen.completed / seen.tokens if seen.tokens else 0.0


def _risk(view: View) -> Iterator[tuple[str, str]]:
    """What campaigns of one candidate have spent of the risk of a wrong promotion."""
    margin, risk = view.status.get("margin"), view.status.get("risk") or {}
    if risk.get("campaigns", 1) > 1 or (margin and risk):
        whole = view.spec.objective.risk.promote
        yield (
            "risk",
            f"{risk['promote']} in this campaign, {risk['campaign']} of {risk['campaigns']} of the candidate; "
            f"{risk['promoteSpent']} of {whole} spent",
        )


def _awaiting(view: View) -> Iterator[tuple[str, str]]:
    """Which decision waits for people, and how long it still does. What it says is in the message below."""
    awaiting = view.status.get("awaiting")
    if awaiting:
        ends = awaiting.get("expiresAt")
        left = f", expires in {duration(from_rfc3339(ends) - view.now)}" if ends else ""
        gates = view.status.get("gates") or {}
        whom = "its gates" if gates.get("gates") and not gates.get("forPeople") else "an approval"
        yield f"waits for {whom}", f"{awaiting['decision']} of {awaiting['candidate']}{left}"


def _hooks(view: View) -> Iterator[tuple[str, str]]:
    yield from hook_facts(view.status)


def _savings(view: View) -> Iterator[tuple[str, str]]:
    """What users' requests did not take of tokens, over all campaigns."""
    found = view.status.get("savings")
    if found:
        yield "saved", f"{counted(found['savedTokens'], 'token')} so far, in {counted(found['requests'], 'request')}"


def _guard(view: View) -> Iterator[tuple[str, str]]:
    yield from guard_facts(view.status, view.state.guard)


def _certificate(view: View) -> Iterator[tuple[str, str]]:
    yield from certificate_facts(view.status)


FACTS: tuple[Callable[[View], Iterator[tuple[str, str]]], ...] = (
    _awaiting,
    _guard,
    _certificate,
    _hooks,
    _search,
    _margin,
    _risk,
    _limit,
    _savings,
    _commit,
    _next,
)
"""Each gives label and text of what a policy has; a label of more than 8 characters begins the text."""
