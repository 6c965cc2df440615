"""A policy as a table on the terminal: its step, what was counted, and what the evidence says."""

from __future__ import annotations

from math import log
from typing import Any

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from earlystop.api.policy import PolicySpec
from earlystop.rollout.plan import parse_plan, stages_of

Manifest = dict[str, Any]

CLAIMS = (("non-inferior", "promote", "promote"), ("saves tokens", "tokens", "promote"), ("harm", "harm", "harm"))
COLOURS = {"Promoted": "green", "RolledBack": "red", "Held": "yellow", "Reported": "green"}


def picture(policy: Manifest) -> RenderableType:
    """The whole policy in one panel."""
    status = policy.get("status", {})
    phase = status.get("phase", "Pending")
    title = f"{policy['metadata']['namespace']}/{policy['metadata']['name']}"
    message = Text(_message(status), style=COLOURS.get(phase, ""))
    shown = _candidates(policy) if status.get("candidates") else _evidence(policy)
    return Panel(Group(_progress(policy), shown, message), title=title, subtitle=phase, expand=True)


def line(policy: Manifest) -> str:
    """The policy in one line, for output that is not a terminal."""
    status = policy.get("status", {})
    evidence = status.get("evidence") or {}
    counts = status.get("counts") or {}
    scored = " + ".join(f"{counts[arm]['scored']:,}" for arm in ("baseline", "candidate") if arm in counts)
    log_e = evidence.get("logE", {})
    return (
        f"{policy['metadata']['name']}: {status.get('phase', 'Pending')}, weight {status.get('weight', 0)} %, "
        f"{scored or 'no'} answers, EM difference {evidence.get('effect', '-')}, "
        f"log e promote {log_e.get('promote', '-')} harm {log_e.get('harm', '-')}, saving {evidence.get('saving', '-')}"
    )


def _progress(policy: Manifest) -> Table:
    status = policy.get("status", {})
    steps = _planned_steps(policy)
    # Each candidate that is dropped begins a step that nobody planned.
    planned = "" if status.get("candidates") else f" of {steps}"
    table = Table.grid(padding=(0, 2))
    table.add_row("step", f"{status.get('step', 0) + 1}{planned}")
    table.add_row("candidates' weight", f"{status.get('weight', 0)} %")
    table.add_row("looks", str((status.get("evidence") or {}).get("looks", 0)))
    return table


def _planned_steps(policy: Manifest) -> int:
    """Steps of the campaign under way, which an edit of the spec does not change; of the spec before the first one."""
    plan = policy.get("status", {}).get("plan")
    return len(parse_plan(plan).stages if plan else stages_of(PolicySpec.model_validate(policy["spec"])))


def _candidates(policy: Manifest) -> Table:
    """A row for each of several candidates."""
    risk = policy["spec"]["objective"].get("risk", {})
    table = Table(box=None, padding=(0, 2))
    needed = f"log e harm, of {-log(float(risk.get('harm', '0.05'))):.2f}"
    for heading in ("candidate", "state", "weight", "answers", "EM difference", "saving", "log e promote", needed):
        table.add_column(heading, justify="left" if heading in ("candidate", "state") else "right")
    for each in policy["status"]["candidates"]:
        evidence = each.get("evidence") or {}
        log_e = evidence.get("logE", {})
        table.add_row(
            each["name"],
            each.get("state", each.get("standing", "-")) + (f": {each['reason']}" if each.get("reason") else ""),
            f"{each['weight']} %",
            f"{each['counts']['candidate']['scored']:,}",
            evidence.get("effect", "-"),
            evidence.get("saving", "-"),
            log_e.get("promote", "-"),
            log_e.get("harm", "-"),
        )
    return table


def _evidence(policy: Manifest) -> Table:
    status = policy.get("status", {})
    evidence = status.get("evidence") or {}
    counts = status.get("counts") or {}
    risk = policy["spec"]["objective"].get("risk", {})
    table = Table(box=None, padding=(0, 2))
    for heading in ("", "baseline", "candidate", "candidate minus baseline"):
        table.add_column(heading, justify="left" if not heading else "right")
    arms = [counts.get(arm, {}) for arm in ("baseline", "candidate")]
    table.add_row("scored answers", *(f"{arm.get('scored', 0):,}" for arm in arms), "")
    table.add_row("EM, points", *(_rate(arm) for arm in arms), evidence.get("effect", "-"))
    table.add_row("tokens a request", *(_tokens(arm) for arm in arms), f"saving {evidence.get('saving', '-')}")
    log_e = evidence.get("logE", {})
    for name, key, side in CLAIMS:
        needed = -log(float(risk.get(side, "0.05")))
        table.add_row(f"log e-value, {name}", "", "", f"{log_e.get(key, '-')} of {needed:.2f}")
    return table


def _rate(arm: dict[str, int]) -> str:
    return f"{100 * arm['match'] / arm['scored']:.1f}" if arm.get("scored") else "-"


def _tokens(arm: dict[str, int]) -> str:
    return f"{arm['tokens'] / arm['completed']:,.0f}" if arm.get("completed") else "-"


def _message(status: Manifest) -> str:
    conditions = {condition["type"]: condition for condition in status.get("conditions", [])}
    progressing, ready = conditions.get("Progressing"), conditions.get("Ready")
    if ready is not None and ready["status"] == "False":
        return f"{ready['reason']}: {ready['message']}"
    return str((progressing or ready or {}).get("message", "Waiting for the operator."))
