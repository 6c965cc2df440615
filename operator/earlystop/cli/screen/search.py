"""A policy's search on the terminal: the trials so far, who serves, what is tried now and why, and the risk spent."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from earlystop.api.plurals import counted
from earlystop.cli.screen.fitting import Block, fitting_rows
from earlystop.controller.resources import Manifest

if TYPE_CHECKING:
    from earlystop.cli.screen.view import View

CHOOSING = "Choosing"
"""The phase between two trials, in which `why` is still of the one that is over."""
ENDS = {"Certified": "Proven"}
"""Words for a trial's end in the status, where the screen has another one."""


def search_facts(status: Manifest) -> Iterator[tuple[str, str]]:
    """Name and value of what there is to say of a search; nothing outside of one."""
    search = status.get("search")
    if not search:
        return
    trials = len(search.get("trials", ()))
    yield "search", f"{search['number']}, {counted(trials, 'trial')} over"
    if not search.get("ended") and status.get("phase") != CHOOSING:
        yield "why", str(search["why"])
    best = search.get("incumbent")
    saving = "" if best is None else f", proven to save {_percent(best['leastSaving'])} at least"
    yield (
        "best",
        "none proven; the baseline serves" if best is None else f"{best['name']} at {best['weight']} %{saving}",
    )
    yield "risk", f"{_risk(search['riskSpent'])} of {_risk(search['risk'])} of the search spent"
    ended = search.get("ended")
    if ended:
        yield "ended", str(ended["reason"])
        yield from commit_fact(status)


def commit_fact(status: Manifest) -> Iterator[tuple[str, str]]:
    """What is proven, to be written into the server's own configuration."""
    certified = (status.get("certified") or {}).get("values")
    if certified:
        yield "commit", ", ".join(f"{each['name']} {each['value']}" for each in certified)


def has_ended(status: Manifest) -> bool:
    """Whether a search by trials is over."""
    return bool((status.get("search") or {}).get("ended"))


def search_phrase(status: Manifest) -> str:
    """The search as the end of a line, "" outside of one."""
    search = status.get("search")
    if not isinstance(search, dict) or not search:
        return ""
    best, trials = search.get("incumbent"), search.get("trials")
    serves = best.get("name") if isinstance(best, dict) else "the baseline"
    over = len(trials) if isinstance(trials, list) else 0
    return f", search {search.get('number', '-')}: {counted(over, 'trial')} over, best is {serves}"


def trial_blocks(view: View) -> Iterator[Block]:
    """A row for each trial that is over, or the latest ones alone where lines are few."""
    trials = trial_facts(view.status)
    if trials:
        yield Block(tuple(fitting_rows("trial", trials[-number:]) for number in (len(trials), 5, 3, 1)), rank=3)


def trial_facts(status: Manifest) -> list[tuple[str, dict[str, str]]]:
    """Title and facts of each trial that is over, in order."""
    trials = (status.get("search") or {}).get("trials", ())
    return [(f"{number}: {each['setting']}", _facts(each)) for number, each in enumerate(trials, start=1)]


def _facts(trial: Mapping[str, Any]) -> dict[str, str]:
    return {
        "end": ENDS.get(str(trial["end"]), str(trial["end"])),
        "EM lost": _with_error(trial, "loss", "points"),
        "saving": _with_error(trial, "saving", "%"),
        "requests": f"{trial['requests']:,}",
        "risk": _risk(trial["risk"]),
    }


def _with_error(trial: Mapping[str, Any], name: str, unit: str) -> str:
    if name not in trial:
        return "-"
    return f"{100 * float(trial[name]):z.1f} ± {100 * float(trial[f'{name}Error']):.1f} {unit}"


def _risk(risk: str) -> str:
    """A risk, to three digits; a whole search's parts have more than a line has room for."""
    return f"{float(risk):.3g}"


def _percent(fraction: str) -> str:
    return f"{100 * float(fraction):.3g} %"
