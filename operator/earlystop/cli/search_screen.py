"""A policy's search on the terminal: the trials so far, who serves, what is tried now and why, and the risk spent."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from earlystop.cli.terminal import printable

Manifest = dict[str, Any]
HEADINGS = ("trial", "setting", "end", "EM lost, points", "saving", "requests", "risk")


def search_facts(status: Manifest) -> Iterator[tuple[str, str]]:
    """Name and value of what there is to say of a search; nothing outside of one."""
    search = status.get("search")
    if not search:
        return
    trials = len(search.get("trials", ()))
    yield "search", f"{search['number']}, {trials} trial{'s' if trials != 1 else ''} over"
    if not search.get("ended"):
        yield "tried now, because", str(search["why"])
    best = search.get("incumbent")
    saving = "" if best is None else f", proven to save {_percent(best['leastSaving'])} at least"
    yield (
        "best certified",
        "none; the baseline serves" if best is None else f"{best['name']} at {best['weight']} %{saving}",
    )
    yield "risk of the search", f"{search['riskSpent']} of {search['risk']} spent"


def search_phrase(status: Manifest) -> str:
    """The search as the end of a line, "" outside of one."""
    search = status.get("search")
    if not search:
        return ""
    best = search.get("incumbent")
    serves = "the baseline" if best is None else best["name"]
    return f", search {search['number']}: {len(search.get('trials', ()))} trials over, best is {serves}"


def trials_table(status: Manifest) -> RenderableType | None:
    """A row for each trial that is over; None where there is none."""
    trials = (status.get("search") or {}).get("trials")
    if not trials:
        return None
    table = Table(box=None, padding=(0, 2))
    for heading in HEADINGS:
        table.add_column(heading, justify="left" if heading in ("setting", "end") else "right", no_wrap=True)
    for number, trial in enumerate(trials, start=1):
        table.add_row(*(Text(printable(cell)) for cell in (str(number), *_cells(trial))))
    return table


def _cells(trial: Mapping[str, Any]) -> tuple[str, ...]:
    return (
        str(trial["setting"]),
        str(trial["end"]),
        _with_error(trial, "loss"),
        _with_error(trial, "saving"),
        f"{trial['requests']:,}",
        str(trial["risk"]),
    )


def _with_error(trial: Mapping[str, Any], name: str) -> str:
    if name not in trial:
        return "-"
    return f"{100 * float(trial[name]):.1f} ± {100 * float(trial[f'{name}Error']):.1f}"


def _percent(fraction: str) -> str:
    return f"{100 * float(fraction):.3g} %"
