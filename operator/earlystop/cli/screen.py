"""A policy as a table on the terminal: its step, what was counted, and what the evidence says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import log
from typing import Any

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from earlystop.api.policy import PolicySpec
from earlystop.cli.hook_screen import hook_facts
from earlystop.cli.search_screen import search_facts, search_phrase, trial_facts
from earlystop.cli.terminal import UNLIMITED, FirstThatFits, printable
from earlystop.rollout.formatting import from_rfc3339
from earlystop.rollout.plan import Stage, parse_plan, stages_of

Manifest = dict[str, Any]
HEADINGS = ("namespace", "policy", "phase", "step", "weight", "EM difference", "saving", "ready")
"""What `list` says of each policy."""

CLAIMS = (("non-inferior", "promote", "promote"), ("saves tokens", "tokens", "promote"), ("harm", "harm", "harm"))
COLOURS = {"Promoted": "green", "RolledBack": "red", "Held": "yellow", "Reported": "green"}


def picture(policy: Manifest, now: float, width: int) -> RenderableType:
    """The whole policy in one panel. now: Unix seconds. width: columns that there are, UNLIMITED in a pipe."""
    status = policy.get("status", {})
    phase = printable(status.get("phase", "Pending"))
    title = Text(printable(f"{policy['metadata']['namespace']}/{policy['metadata']['name']}"))
    message = Text(_message(status), style=COLOURS.get(phase, ""))
    if not status.get("candidates"):
        shown: RenderableType = _evidence(policy)
    else:
        blocks = (_block(each["name"], _facts(policy, each)) for each in status["candidates"])
        shown = FirstThatFits(_candidates(policy), Group(*blocks))
    parts = Group(_progress(policy, now), *_trials(status), shown, message)
    return Panel(parts, title=title, subtitle=Text(phase), expand=width < UNLIMITED)


def _trials(status: Manifest) -> Iterator[RenderableType]:
    """A row for each trial of a search that is over, or a block for each; nothing where none is."""
    trials = trial_facts(status)
    if not trials:
        return
    table = Table(box=None, padding=(0, 2))
    for heading in ("", *trials[0][1]):
        table.add_column(heading, justify="left" if heading in ("", "end") else "right", no_wrap=True)
    for title, facts in trials:
        _add(table, title, *facts.values())
    yield FirstThatFits(table, Group(*(_block(title, facts) for title, facts in trials)))


def overview(policies: Sequence[Manifest]) -> RenderableType:
    """A line for each policy; a block for each where lines would be too long."""
    rows = [_row(each) for each in sorted(policies, key=lambda each: _place(each["metadata"]))]
    table = Table(box=None, padding=(0, 3, 0, 0))
    for heading in HEADINGS:
        table.add_column(heading, no_wrap=True)
    for row in rows:
        _add(table, *row)
    blocks = (_block(f"{row[0]}/{row[1]}", dict(zip(HEADINGS[2:], row[2:], strict=True))) for row in rows)
    return FirstThatFits(table, Group(*blocks))


def _place(metadata: Manifest) -> tuple[str, str]:
    return metadata["namespace"], metadata["name"]


def _row(policy: Manifest) -> tuple[str, ...]:
    """What `list` says of a policy, by HEADINGS."""
    status = policy.get("status", {})
    evidence = status.get("evidence") or {}
    cells = (
        *_place(policy["metadata"]),
        status.get("phase", "Pending"),
        status.get("step", 0) + 1 if status.get("campaign") else "-",
        f"{status.get('weight', 0)} %",
        evidence.get("effect", "-"),
        evidence.get("saving", "-"),
        _conditions(status).get("Ready", {}).get("reason", "-"),
    )
    return tuple(map(str, cells))


def line(policy: Manifest) -> str:
    """The policy in one line, for output that is not a terminal."""
    status = policy.get("status", {})
    evidence = status.get("evidence") or {}
    counts = status.get("counts") or {}
    scored = " + ".join(f"{counts[arm]['scored']:,}" for arm in ("baseline", "candidate") if arm in counts)
    log_e = evidence.get("logE", {})
    return printable(
        f"{policy['metadata']['name']}: {status.get('phase', 'Pending')}, weight {status.get('weight', 0)} %, "
        f"{scored or 'no'} answers, EM difference {evidence.get('effect', '-')}, "
        f"log e promote {log_e.get('promote', '-')} harm {log_e.get('harm', '-')}, saving {evidence.get('saving', '-')}"
        f"{search_phrase(status)}"
    )


def _progress(policy: Manifest, now: float) -> Table:
    status = policy.get("status", {})
    steps = len(_stages(policy))
    # Each candidate that is dropped begins a step that nobody planned.
    planned = "" if status.get("candidates") else f" of {steps}"
    table = Table.grid(padding=(0, 2))
    _add(table, "step", f"{status.get('step', 0) + 1}{planned}")
    weight = "weight of other settings" if status.get("search") else "candidates' weight"
    _add(table, weight, f"{status.get('weight', 0)} %")
    looks = str((status.get("evidence") or {}).get("looks", 0))
    _add(table, "looks", f"{looks}, one every {_spec(policy).rollout.look_seconds} s or more")
    for name, value in (*search_facts(status), *_margin(policy), *hook_facts(status)):
        _add(table, name, value)
    for name, value in (*_awaiting(status, now), *_times(policy, now)):
        _add(table, name, value)
    return table


def _awaiting(status: Manifest, now: float) -> Iterator[tuple[str, str]]:
    """Which decision waits for people, and how long it still does. What it says is in the message below."""
    awaiting = status.get("awaiting")
    if awaiting:
        left = _duration(from_rfc3339(awaiting["expiresAt"]) - now)
        gates = status.get("gates") or {}
        whom = "its gates" if gates.get("gates") and not gates.get("forPeople") else "an approval"
        yield f"waits for {whom}", f"{awaiting['decision']} of {awaiting['candidate']}, expires in {left}"


def _margin(policy: Manifest) -> Iterator[tuple[str, str]]:
    """What promotions since a pinned baseline have spent of the margin, and campaigns of one candidate of its risk."""
    margin, risk = policy.get("status", {}).get("margin"), policy.get("status", {}).get("risk") or {}
    if margin:
        spent, left, campaign = (f"{100 * float(margin[name]):g}" for name in ("spent", "left", "campaign"))
        yield (
            "margin against the pinned baseline",
            f"{spent} points spent, {left} left; promotion {margin['promotion']} of {margin['promotions']} may lose "
            f"{campaign}",
        )
    if risk.get("campaigns", 1) > 1 or (margin and risk):
        whole = policy["spec"]["objective"].get("risk", {}).get("promote", "0.05")
        yield (
            "risk of a wrong promotion",
            f"{risk['promote']} in this campaign, {risk['campaign']} of {risk['campaigns']} of the candidate; "
            f"{risk['promoteSpent']} of {whole} spent",
        )


def _add(table: Table, *cells: object) -> None:
    """Add a row of an object's own texts, which no terminal shall act on."""
    table.add_row(*(Text(printable(each)) for each in cells))


def _times(policy: Manifest, now: float) -> Iterator[tuple[str, str]]:
    """How long it has taken, and how long it may still take."""
    status = policy.get("status", {})
    if not status.get("campaignStartedAt") or status.get("decision"):
        return
    elapsed = now - from_rfc3339(status["campaignStartedAt"])
    yield "elapsed", f"{_duration(elapsed)} of {_duration(_spec(policy).rollout.deadline_seconds)}"
    stages, since = _stages(policy), status.get("evidenceFrom")
    if since and stages:
        least = stages[min(status.get("step", 0), len(stages) - 1)].minimum_seconds
        left = from_rfc3339(since) + least - now
        yield "least time of this step", f"over in {_duration(left)}" if left > 0 else "over"


def _duration(seconds: float) -> str:
    """Seconds in the two units that a person reads."""
    whole = max(0, round(seconds))
    for unit, name, below, below_name in ((86400, "d", 3600, "h"), (3600, "h", 60, "min"), (60, "min", 1, "s")):
        if whole >= unit:
            rest = whole % unit // below
            return f"{whole // unit} {name}" + (f" {rest} {below_name}" if rest else "")
    return f"{whole} s"


def _spec(policy: Manifest) -> PolicySpec:
    return PolicySpec.model_validate(policy["spec"])


def _stages(policy: Manifest) -> tuple[Stage, ...]:
    """Stages of the campaign under way, which an edit of the spec does not change; of the spec before the first one."""
    plan = policy.get("status", {}).get("plan")
    return parse_plan(plan).stages if plan else stages_of(_spec(policy))


def _candidates(policy: Manifest) -> Table:
    """A row for each of several candidates."""
    table = Table(box=None, padding=(0, 2))
    for heading in ("candidate", *_facts(policy, policy["status"]["candidates"][0])):
        table.add_column(heading, justify="left" if heading in ("candidate", "state") else "right", no_wrap=True)
    for each in policy["status"]["candidates"]:
        _add(table, each["name"], *_facts(policy, each).values())
    return table


def _block(title: str, facts: Mapping[str, str]) -> Group:
    """One of several candidates or policies, a line for each fact."""
    table = Table.grid(padding=(0, 2))
    for name, value in facts.items():
        _add(table, f"  {name}", value)
    return Group(Text(printable(title), style="bold", overflow="fold"), table)


def _facts(policy: Manifest, candidate: Manifest) -> dict[str, str]:
    """What there is to say of one of several candidates."""
    risk = _risks(policy)
    evidence = candidate.get("evidence") or {}
    log_e = evidence.get("logE", {})
    reason = f": {candidate['reason']}" if candidate.get("reason") else ""
    return {
        "state": f"{candidate.get('state', candidate.get('standing', '-'))}{reason}",
        "weight": f"{candidate['weight']} %",
        "answers": f"{candidate['counts']['candidate']['scored']:,}",
        "EM difference": evidence.get("effect", "-"),
        "saving": evidence.get("saving", "-"),
        "log e promote": log_e.get("promote", "-"),
        f"log e harm, of {_line_of(risk.get('harm'))}": log_e.get("harm", "-"),
    }


def _risks(policy: Manifest) -> dict[str, str]:
    """The risks of the campaign under way, which may be parts of those that the policy names."""
    found: dict[str, str] = policy.get("status", {}).get("risk") or policy["spec"]["objective"].get("risk", {})
    return found


def _line_of(risk: str | None) -> str:
    """The log e-value at which a claim is proven at a risk."""
    return f"{-log(float(risk or '0.05')):.2f}"


def _evidence(policy: Manifest) -> Table:
    status = policy.get("status", {})
    evidence = status.get("evidence") or {}
    counts = status.get("counts") or {}
    risk = _risks(policy)
    table = Table(box=None, padding=(0, 2))
    for heading in ("", "baseline", "candidate", "difference"):
        table.add_column(heading, justify="left" if not heading else "right", no_wrap=bool(heading))
    arms = [counts.get(arm, {}) for arm in ("baseline", "candidate")]
    _add(table, "scored answers", *(f"{arm.get('scored', 0):,}" for arm in arms), "")
    _add(table, "EM, points", *(_rate(arm) for arm in arms), evidence.get("effect", "-"))
    _add(table, "tokens a request", *(_tokens(arm) for arm in arms), f"saving {evidence.get('saving', '-')}")
    log_e = evidence.get("logE", {})
    for name, key, side in CLAIMS:
        _add(table, f"log e-value, {name}", "", "", f"{log_e.get(key, '-')} of {_line_of(risk.get(side))}")
    return table


def _rate(arm: dict[str, int]) -> str:
    return f"{100 * arm['match'] / arm['scored']:.1f}" if arm.get("scored") else "-"


def _tokens(arm: dict[str, int]) -> str:
    return f"{arm['tokens'] / arm['completed']:,.0f}" if arm.get("completed") else "-"


def _message(status: Manifest) -> str:
    conditions = _conditions(status)
    progressing, ready = conditions.get("Progressing"), conditions.get("Ready")
    if ready is not None and ready["status"] == "False":
        return printable(f"{ready['reason']}: {ready['message']}")
    return printable((progressing or ready or {}).get("message", "Waiting for the operator."))


def _conditions(status: Manifest) -> dict[str, Manifest]:
    return {condition["type"]: condition for condition in status.get("conditions", [])}
