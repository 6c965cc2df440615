"""A policy on one screen: where it is, how sure, when it ends, what holds it, and what happened last.

Each block is a function from a view to blocks. Who has something more to show adds one to BLOCKS, or a row of facts to
`facts.FACTS`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from earlystop.cli.screen.candidate import candidate_blocks
from earlystop.cli.screen.class_map import map_blocks
from earlystop.cli.screen.evidence import evidence_blocks
from earlystop.cli.screen.facts import fact_blocks
from earlystop.cli.screen.fitting import Block, FittedScreen, ends_within, labelled, said, sentences_within
from earlystop.cli.screen.holds import hold_of, outlook_of
from earlystop.cli.screen.search import has_ended, trial_blocks
from earlystop.cli.screen.times import clock, when_lines
from earlystop.cli.screen.view import Event, View, view_of
from earlystop.cli.terminal import UNLIMITED, printable
from earlystop.controller.resources import Manifest
from earlystop.rollout.decision import BY_CLASS
from earlystop.rollout.formatting import in_settings
from earlystop.rollout.plan import Plan, StageKind
from earlystop.rollout.state import DECIDED, Phase, RolloutState
from earlystop.rollout.strategy import strategy_of
from earlystop.rollout.words.class_messages import OWN_SETTINGS
from earlystop.simulation.remaining_time import Remaining

COLOURS = {"Promoted": "green", "RolledBack": "red", "Held": "yellow", "Reported": "green", "Suspended": "yellow"}
OTHER_CONDITIONS = ("Ready", "Progressing", "Promoted", "RolledBack", "Completed", "Stalled")
"""Conditions that the rest of the screen tells of."""
CHECK_WORDS = (("False", "NOT", "red"), ("True", "holds:", "green"), ("Unknown", "not known:", "dim"))
SHORT_MESSAGE = 300
"""Characters of a message where lines are few."""


def picture(
    policy: Manifest,
    now: float,
    width: int,
    *,
    height: int | None = None,
    remaining: Remaining | None = None,
    events: tuple[Event, ...] = (),
) -> RenderableType:
    """The whole policy. now: Unix seconds. width: columns that there are, UNLIMITED in a pipe. height: lines that there
    are, None for no limit. Raises one of `stored_status.UNREADABLE` for a policy that this release cannot read."""
    return drawn(view_of(policy, now, width, remaining, events), height)


def drawn(view: View, height: int | None = None) -> RenderableType:
    """The screen of a view; height and errors as for `picture`."""
    return FittedScreen((block for of_view in BLOCKS for block in of_view(view)), height)


def _title(view: View) -> Iterator[Block]:
    metadata, state = view.policy["metadata"], view.state
    table = Table.grid(padding=(0, 2), expand=view.width < UNLIMITED)
    table.add_column(overflow="fold", ratio=1 if view.width < UNLIMITED else None)
    table.add_column(justify="right", no_wrap=True)
    name = said(f"{metadata['namespace']}/{metadata['name']}", "bold")
    campaign = f"campaign {state.campaign}, " if state.campaign else ""
    name.append(f"  {campaign}{view.spec.delivery.mode}, {view.spec.rollout.strategy}", style="not bold")
    table.add_row(name, Text(state.phase.value, style=COLOURS.get(state.phase.value, "cyan")))
    yield Block((table,))


def _where(view: View) -> Iterator[Block]:
    state, plan = view.state, view.state.plan
    if plan is None:
        target = view.spec.target_ref
        yield Block((labelled("where", f"No campaign has begun for {target.kind} {target.name}."),))
        return
    setting = said(f"{_settings(plan, state)} (baseline {in_settings(plan.baseline_settings)})")
    step, weight = _step(plan, state), f"{view.status.get('weight', 0)} %"
    by_class = state.decision is not None and state.decision.reason == BY_CLASS
    now = "" if by_class else f"{weight} now; "  # no one weight says what classes get
    first = said(f"{now}decided at {step}" if state.phase in DECIDED else f"{step}; {weight} now")
    ramp = _ramp(view)
    full = labelled("where", first, *([ramp] if ramp else []), setting)
    yield Block((full, labelled("where", first, setting), labelled("where", first)), rank=3)


def _settings(plan: Plan, state: RolloutState) -> str:
    """The settings that it is about: those that are tried, the one that was decided on, or what a search found."""
    if state.search is not None and state.search.ended is not None:
        return "nothing proven" if state.certified is None else in_settings(state.certified.values)
    if state.decision is not None and state.decision.reason == BY_CLASS:
        return OWN_SETTINGS
    names = [each.name for each in state.active or state.comparisons] if state.decision is None else [state.leader]
    return " | ".join(in_settings(plan.settings_of(each)) for each in names)


def _step(plan: Plan, state: RolloutState) -> str:
    strategy = strategy_of(plan)
    described, counted = strategy.describe_step(plan, state), strategy.count_step(plan, state).replace("/", " of ")
    return described if described.startswith("step ") else f"step {counted}: {described}"


def _ramp(view: View) -> Text | None:
    """The stages in a row, with the present one in brackets; None where there is but one."""
    state, text = view.state, Text()
    if len(view.stages) < 2 or len(state.comparisons) > 1:
        return None
    promoted = state.phase in (Phase.PROMOTED, Phase.PROMOTING)
    at = len(view.stages) if promoted else min(state.step, len(view.stages) - 1)
    words = {StageKind.LEARN: "learn", StageKind.SHADOW: "in shadow"}
    names = ["A/A" if each.same_setting else words.get(each.kind, f"{each.weight} %") for each in view.stages]
    for number, name in enumerate([*names, "all"]):
        text.append(" - " if number else "", style="dim")
        text.append(f"[{name}]" if number == at else name, style="bold" if number == at else "dim")
    return text


def _when(view: View) -> Iterator[Block]:
    lines = [said(each) for each in when_lines(view)]
    if lines:
        yield Block((labelled("when", *lines), labelled("when", *lines[:2])), rank=2)


def _checks(view: View) -> Iterator[Block]:
    """Conditions that the rest of the screen does not tell of, whoever adds them."""
    found: dict[str, list[str]] = {"True": [], "False": [], "Unknown": []}
    for name, each in view.conditions.items():
        if name not in OTHER_CONDITIONS:
            found.get(each["status"], found["Unknown"]).append(printable(name))
    line = Text()
    for status, words, style in CHECK_WORDS:
        if found[status]:
            line.append("  " if line else "").append(words, style=style).append(f" {', '.join(found[status])}")
    if line:
        yield Block((labelled("checks", line), None), rank=1)


def _now(view: View) -> Iterator[Block]:
    hold = hold_of(view)
    if hold is None:
        text = outlook_of(view)
        if text:
            style = COLOURS.get(view.state.phase.value, "")
            # Of a search that is over, other lines say what was proven; they and what happened last stay.
            is_long = has_ended(view.status)
            brief = ends_within(text, SHORT_MESSAGE) if is_long else _short(text)
            versions = tuple(labelled("now", said(each, style)) for each in (text, brief))
            yield Block(versions, rank=5 if is_long else 2)
        return
    held = said(f"{hold.reason}: {hold.message}", "yellow")
    short = said(_short(f"{hold.reason}: {hold.message}"), "yellow")
    meant = [said(hold.news)] if hold.news else []
    yield Block((labelled("held", held, *meant), labelled("held", short, *meant), labelled("held", short)), rank=2)


def _short(text: str) -> str:
    return sentences_within(text, SHORT_MESSAGE)


def _last(view: View) -> Iterator[Block]:
    if not view.events:
        return
    now = outlook_of(view)
    notes = [(each, _without_reason(each, now)) for each in view.events]
    lines = [said(f"{clock(each.at)} {each.reason}{note}") for each, note in notes]
    short = [said(f"{clock(each.at)} {each.reason}{sentences_within(note, 1)}") for each, note in notes]
    names = said(", ".join(f"{clock(each.at)} {each.reason}" for each in view.events))
    kept = tuple(labelled("last", *short[:number]) for number in (3, 2, 1))
    yield Block((labelled("last", *lines), *kept, labelled("last", names), None), rank=4)


def _without_reason(event: Event, now: str) -> str:
    """What follows the reason of an event: its sentences, without the reason in words, and not what stands above."""
    if now and event.note == now:
        return ", as above"
    words = re.sub(r"(?<=[a-z])[A-Z]", lambda found: f" {found[0].lower()}", event.reason)
    return f": {event.note.removeprefix(f'{words}: ')}"


BLOCKS: tuple[Callable[[View], Iterator[Block]], ...] = (
    _title,
    _where,
    _when,
    evidence_blocks,
    candidate_blocks,
    map_blocks,
    trial_blocks,
    fact_blocks,
    _checks,
    _now,
    _last,
)
"""What a screen shows, from the top."""
