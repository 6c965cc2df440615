"""How sure: the answers of both variants, the interval of EM, and each claim's evidence beside its line."""

from __future__ import annotations

from collections.abc import Iterator
from math import inf, log

from rich.console import Console, ConsoleOptions, Group, RenderResult
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from earlystop.api.counts import Tally
from earlystop.api.plurals import counted
from earlystop.cli.screen.classes import class_blocks
from earlystop.cli.screen.evidence_words import sparkline
from earlystop.cli.screen.fitting import Block, WhereWide, labelled, said
from earlystop.cli.screen.view import View
from earlystop.cli.screen.waiting_words import harms_of
from earlystop.evidence.intervals import Interval
from earlystop.evidence.objective import Basis
from earlystop.rollout.e_value_words import LEAST, claim_words
from earlystop.rollout.evidence_history import EvidenceHistory
from earlystop.rollout.formatting import in_count, in_percent, in_points
from earlystop.rollout.state import Comparison
from earlystop.rollout.stored.compressed_looks import counts_in

SPARK_COLUMNS = 20
AXIS_COLUMNS, NARROW_AXIS_COLUMNS = 40, 16
"""Of the line that an interval is drawn on; the second where a terminal has no room for the first."""


def evidence_blocks(view: View) -> Iterator[Block]:
    """The evidence of the only candidate; nothing where there are several or none, and where a search is over."""
    search = view.state.search
    if len(view.state.comparisons) != 1 or (search is not None and search.ended is not None):
        return
    (comparison,) = view.state.comparisons
    if comparison.looks:
        yield from _answers(comparison)
        yield from _exact_match(comparison)
        yield from class_blocks(comparison)
    if view.history is not None:
        yield from _proof(comparison, view.history)


def _answers(comparison: Comparison) -> Iterator[Block]:
    baseline, candidate = counts_in(comparison.looks)
    looks = counted(len(comparison.looks), "look")
    if comparison.evidence.objective.basis is Basis.PAIRS:
        asked = counted(in_count(candidate.pairs.total), "question")
        text = f"{asked} asked of both, in {looks}{lacking_words(comparison)}"
    else:
        text = (
            f"{in_count(baseline.scored)} of the baseline and {in_count(candidate.scored)} of the candidate, in {looks}"
        )
    saving = in_percent(comparison.assessment.saving)
    tokens = f"{_tokens(baseline)} to {counted(_tokens(candidate), 'token')} a request; saving {saving}"
    yield Block((labelled("answers", said(text), said(tokens)), labelled("answers", said(tokens))), rank=3)


def lacking_words(comparison: Comparison) -> str:
    """Of how many questions each variant alone gave no answer that could be scored, as far as it is known."""
    process = comparison.evidence.pair_attrition
    told = process.answers
    parts = []
    if told.one_sided:
        lacking = in_count(told.without_baseline), in_count(told.without_candidate)
        parts.append(f"; {lacking[0]} lack the baseline's answer, {lacking[1]} the candidate's")
    if process.unknown:
        parts.append(f"; of {in_count(process.unknown)} nobody counts whether an answer is missing")
    return "".join(parts)


def _tokens(tally: Tally) -> str:
    return f"{tally.tokens / tally.completed:,.0f}" if tally.completed else "?"


def _exact_match(comparison: Comparison) -> Iterator[Block]:
    effect, objective = comparison.assessment.effect, comparison.evidence.objective
    rates = _rates(comparison)
    parts = rates, f"difference {in_points(effect)}; ", f"a loss of {in_points(objective.margin)} is allowed"
    text = WhereWide(said("".join(parts)), Group(*(said(each.strip("; ")) for each in parts if each)))
    wide, narrow = (axis(effect, objective.margin, columns) for columns in (AXIS_COLUMNS, NARROW_AXIS_COLUMNS))
    full = labelled("EM", text, *([WhereWide(wide, narrow)] if wide and narrow else []))
    yield Block((full, labelled("EM", text)), rank=3)


def _rates(comparison: Comparison) -> str:
    """The raw rates, from which the difference beside them may differ: that one is of the same traffic in both."""
    baseline, candidate = counts_in(comparison.looks)
    if comparison.evidence.objective.basis is Basis.PAIRS or not (baseline.scored and candidate.scored):
        return ""
    shown = [f"{100 * each.match / each.scored:.1f}" for each in (baseline, candidate)]
    return f"{shown[0]} to {shown[1]}; "


def axis(effect: Interval, margin: float, columns: int = AXIS_COLUMNS) -> Text | None:
    """The interval on a line: `[` and `]` are its ends, `*` the estimate, `|` minus the margin; none hides another."""
    low, high = effect.low, effect.high
    if effect.estimate is None or low is None or high is None:
        return None
    least, most = min(low, -2 * margin), max(high, margin)
    row = ["."] * columns
    # A margin that is an end of the interval lies outside of it.
    limit = (-margin, 4 if high <= -margin else 0, "|")
    marks = sorted([(low, 1, "["), (effect.estimate, 2, "*"), (high, 3, "]"), limit])
    places = [round((value - least) / (most - least) * (columns - 1)) for value, _, _ in marks]
    for place, (_, _, mark) in zip(_apart(places, columns), marks, strict=True):
        row[place] = mark
    return said(f"{100 * least:+z.1f} {''.join(row)} {100 * most:+z.1f}", "dim")


def _apart(places: list[int], columns: int) -> list[int]:
    """Places on the axis, from the left, moved by no more than it takes that each has one of its own."""
    moved: list[int] = []
    for index, place in enumerate(places):
        last = columns - len(places) + index  # those that follow need room, too
        moved.append(max(min(place, last), moved[-1] + 1 if moved else 0))
    return moved


def _proof(comparison: Comparison, past: EvidenceHistory) -> Iterator[Block]:
    objective, assessed = comparison.evidence.objective, comparison.assessment
    now, most = assessed.log_e, assessed.log_e_max
    rows = [
        ("keeps EM", past.promote, now.promote, most.promote, objective.risk_promote),
        ("saves", past.tokens, now.tokens, most.tokens, objective.risk_promote),
        ("harm", past.harm, now.harm, most.harm, objective.harm_risks.exact_match),
    ]
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    narrow = []
    for name, values, log_e, largest, risk in rows:
        is_shown = risk > 0 and largest >= -log(risk)
        style = ("red" if name == "harm" else "green") if is_shown else ""
        words = Text(claim_words(log_e, largest, risk), style=style)
        table.add_row(name, Sparkline(values, risk), words)
        narrow.append(Text(f"{name}: ").append_text(words))
    proofs = WhereWide(table, Group(*narrow))
    others = list(_others(comparison))
    full = labelled("sure", proofs, *(said(each) for each in others))
    shown = labelled("sure", proofs, *(said(each) for each in others[:1]))
    yield Block((full, shown, labelled("sure", proofs)) if others else (full,), rank=3)


def _others(comparison: Comparison) -> Iterator[str]:
    """Further claims that take the candidate back, and certificates of query classes, that something speaks for."""
    harms = list(harms_of(comparison))[1:]
    for words, log_e, risk in sorted(harms, key=lambda each: -each[1]):
        if log_e >= log(LEAST):
            yield f"{words}: {claim_words(log_e, log_e, risk)}"
    risk = comparison.evidence.objective.risk_promote
    for name, log_e in comparison.assessment.log_e_max.certificates:
        yield f"less than the margin is lost in {name}: {claim_words(log_e, log_e, risk)}"


class Sparkline:
    """Log e-values over looks as a row of bars; where the output knows ASCII alone, in that."""

    def __init__(self, values: tuple[float, ...], risk: float) -> None:
        self._values = values
        self._line = -log(risk) if risk > 0 else inf

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        row = sparkline(self._values, self._line, SPARK_COLUMNS, in_ascii=options.ascii_only)
        yield Text(row.ljust(SPARK_COLUMNS), no_wrap=True)

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        return Measurement(SPARK_COLUMNS, SPARK_COLUMNS)
