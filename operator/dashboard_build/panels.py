"""Panels of a Grafana dashboard as values, and their places on a grid of 24 columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]
COLUMNS = 24
DATASOURCE: Json = {"type": "prometheus", "uid": "${datasource}"}


@dataclass(frozen=True, slots=True)
class Query:
    """One PromQL query of a panel. name: of its series, with labels in double braces; "" takes Grafana's own."""

    text: str
    name: str = ""
    instant: bool = False


@dataclass(frozen=True, slots=True)
class Panel:
    """One panel. kind: Grafana's type. help: what a person reads behind the (i). width, height: in units of the grid.

    overrides: of single series, by the name of the series.
    """

    title: str
    kind: str
    queries: tuple[Query, ...]
    help: str
    width: int = 8
    height: int = 8
    unit: str = "short"
    options: Json = field(default_factory=dict)
    custom: Json = field(default_factory=dict)
    overrides: dict[str, list[tuple[str, Any]]] = field(default_factory=dict)
    defaults: Json = field(default_factory=dict)
    transformations: tuple[Json, ...] = ()


@dataclass(frozen=True, slots=True)
class Row:
    """A heading with its panels."""

    title: str
    panels: tuple[Panel, ...]


def laid_out(rows: Sequence[Row]) -> list[Json]:
    """All rows and panels as Grafana wants them: numbered, and placed one beside the other as far as there is room."""
    made: list[Json] = []
    y = 0
    for row in rows:
        place = {"x": 0, "y": y, "w": COLUMNS, "h": 1}
        made.append(
            {"id": len(made) + 1, "type": "row", "title": row.title, "collapsed": False, "gridPos": place, "panels": []}
        )
        y += 1
        x = height = 0
        for panel in row.panels:
            if x + panel.width > COLUMNS:
                x, y, height = 0, y + height, 0
            place = {"x": x, "y": y, "w": panel.width, "h": panel.height}
            made.append(_json(panel, len(made) + 1, place))
            x, height = x + panel.width, max(height, panel.height)
        y += height
    return made


def _json(panel: Panel, number: int, place: Json) -> Json:
    return {
        "id": number,
        "type": panel.kind,
        "title": panel.title,
        "description": panel.help,
        "datasource": DATASOURCE,
        "gridPos": place,
        "targets": [_target(query, index, panel.kind) for index, query in enumerate(panel.queries)],
        "options": panel.options,
        "fieldConfig": {
            "defaults": {"unit": panel.unit, "custom": panel.custom, **panel.defaults},
            "overrides": [
                {
                    "matcher": {"id": "byName", "options": name},
                    "properties": [{"id": key, "value": value} for key, value in properties],
                }
                for name, properties in panel.overrides.items()
            ],
        },
        "transformations": list(panel.transformations),
    }


def _target(query: Query, index: int, kind: str) -> Json:
    return {
        "refId": chr(ord("A") + index),
        "datasource": DATASOURCE,
        "expr": query.text,
        "legendFormat": query.name or "__auto",
        "instant": query.instant,
        "range": not query.instant,
        "format": "table" if kind == "table" else "time_series",
    }
