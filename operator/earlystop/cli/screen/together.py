"""The end of a search that judged its settings beside each other, in one campaign: how each ended, what to commit."""

from __future__ import annotations

from collections.abc import Iterator

from earlystop.api.plurals import counted
from earlystop.cli.screen.search import commit_fact
from earlystop.cli.screen.view import View
from earlystop.rollout.state import DECIDED, NOT_CHOSEN, Comparison
from earlystop.rollout.words.listing import some_of

PROVEN, SAVES_LESS, HARMFUL, UNDECIDED = ORDER = ("proven", "saves less", "harmful", "without a verdict")
"""Ends of settings that are judged together, in the order in which they are told."""
MOST_NAMED = 6
"""Settings of each end that are named; the others are counted."""


def together_facts(view: View) -> Iterator[tuple[str, str]]:
    """What came of the settings of a search that judged them together; nothing before, and of a search by trials."""
    search, state = view.spec.search, view.state
    if search is None or view.status.get("search") or state.phase not in DECIDED or len(state.comparisons) < 2:
        return
    names: dict[str, list[str]] = {}
    for each in state.comparisons:
        names.setdefault(_end_of(each), []).append(each.name)
    told = "; ".join(f"{words} {some_of(found, MOST_NAMED)}" for words, found in sorted(names.items(), key=_by_end))
    yield "search", f"{search.strategy} judged {counted(len(state.comparisons), 'setting')} together: {told}"
    yield from commit_fact(view.status)


def _end_of(comparison: Comparison) -> str:
    """How the trial of a setting among others ended."""
    if comparison.dropped is None:
        return PROVEN if comparison.certified_at is not None else UNDECIDED
    return SAVES_LESS if comparison.dropped.reason == NOT_CHOSEN else HARMFUL


def _by_end(group: tuple[str, list[str]]) -> int:
    return ORDER.index(group[0])
