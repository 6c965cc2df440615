"""Under a guard of several query classes, what is kept of a class is how its answers were scored, and no more.

A guard compares classes by their answers alone, and stands for months in a status of little room. So all other counts
of a server are kept in one row of its own, summed over classes, as they are used; but for sums of squared tokens, which
only a trial's claim on tokens reads: they take most room of all, and are not kept. All series of a server come from one
scrape, so that a sum over them never falls, and the larger of two is the later one as for each of them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace

from earlystop.api.counts import SEVERAL_CLASSES, Tally
from earlystop.metrics.convention.ledger import SeriesKey

Rows = Mapping[SeriesKey, Tally]

ALL_CLASSES = "\x7f"
"""What stands for the class of a row that is of all of them, behind every name that a policy may write. A series that
is of a class of this name is counted as one of a class that nobody compares."""


def by_answers(rows: Rows, step: int, classes: Collection[str]) -> dict[SeriesKey, Tally]:
    """Rows of which those of one step are as a guard keeps them; to do so again changes nothing.

    classes: names of those whose answers are compared. Of fewer than `SEVERAL_CLASSES` there would be as many rows as
    before, or more: then all stay as they are.
    """
    if len(classes) < SEVERAL_CLASSES:
        return dict(rows)
    found: dict[SeriesKey, Tally] = {}
    for key, tally in rows.items():
        if key.step != step:
            found[key] = tally
            continue
        kept = replace(tally, tokens_squared=0) if tally.tokens_squared else tally
        if key.query_class in classes:
            answers = Tally(match=tally.match, mismatch=tally.mismatch, unscored=tally.unscored)
            found[key] = answers
            kept = kept - answers
        of_all = key._replace(query_class=ALL_CLASSES)
        known = found.get(of_all)
        found[of_all] = kept if known is None else known + kept
    return found


def as_in(rows: Rows, others: Iterable[SeriesKey], step: int) -> Rows:
    """Rows as these others of the step are kept: by answers where theirs are."""
    of_step = [key for key in others if key.step == step]
    if not any(key.query_class == ALL_CLASSES for key in of_step):
        return rows
    return by_answers(rows, step, {key.query_class for key in of_step} - {ALL_CLASSES})
