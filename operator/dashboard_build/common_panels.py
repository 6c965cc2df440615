"""Panels that several rows of the dashboard have, and how they look."""

from __future__ import annotations

from typing import Any

from dashboard_build.panels import Json, Panel, Query

ONE = 'namespace="$namespace",policy="$policy"'
CANDIDATE = f'{ONE},candidate="$candidate"'
Style = list[tuple[str, Any]]
Overrides = dict[str, Style]
LEGEND: Json = {"legend": {"displayMode": "list", "placement": "bottom"}, "tooltip": {"mode": "multi"}}
DASHED = ("custom.lineStyle", {"fill": "dash", "dash": [10, 10]})
LINE: Style = [DASHED, ("color", {"mode": "fixed", "fixedColor": "red"})]
WANTED: Style = [DASHED, ("color", {"mode": "fixed", "fixedColor": "green"})]
STAT: Json = {"reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False}, "colorMode": "value"}
BY_LABEL: Json = {**STAT, "textMode": "name"}
TIDY: tuple[Json, ...] = (
    {"id": "organize", "options": {"excludeByName": {"Time": True, "Value": True, "__name__": True}}},
)


def series(
    title: str,
    help: str,
    *queries: Query,
    unit: str = "percentunit",
    width: int = 8,
    custom: Json | None = None,
    overrides: Overrides | None = None,
) -> Panel:
    """Lines over time. help: what a person reads behind the (i). custom: Grafana's drawing options of all lines."""
    return Panel(title, "timeseries", queries, help, width, 8, unit, LEGEND, custom or {}, overrides or {})


def stat(title: str, help: str, text: str, unit: str = "short", name: str = "") -> Panel:
    """One number of now, or with `name` one word: the label that the name takes from the series."""
    options = BY_LABEL if name else STAT
    return Panel(title, "stat", (Query(text, name, instant=True),), help, 4, 4, unit, options)
