"""Every field of the dashboard is one that Grafana documents, with a value that it documents.

Grafana drops a field that it does not know without a word, so a mistyped one would show in no other way. The tables
hold what this dashboard uses, by the JSON model of dashboards and the schemas of its panels (schemaVersion 39).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from dashboard_build.build import dashboard

TEXT, NUMBER, FLAG = str, int, bool
VARIABLE: Mapping[str, Any] = {
    **dict.fromkeys(("name", "label", "definition"), TEXT),
    "type": {"query", "datasource"},
    "query": TEXT,
    **{"query.query": TEXT, "query.refId": TEXT},
    **{"datasource.type": {"prometheus"}, "datasource.uid": TEXT},
    **{"refresh": {1, 2}, "sort": {0, 1, 2, 3, 4, 5, 6}, "hide": {0, 1, 2}},
    **dict.fromkeys(("multi", "includeAll"), FLAG),
}
ANNOTATION: Mapping[str, Any] = {
    **dict.fromkeys(("name", "iconColor", "expr", "step", "titleFormat", "textFormat"), TEXT),
    **{"datasource.type": {"prometheus"}, "datasource.uid": TEXT},
    **dict.fromkeys(("enable", "hide", "useValueForTime"), FLAG),
}
WHOLE: Mapping[str, Any] = {
    **dict.fromkeys(("uid", "title", "description", "refresh", "time.from", "time.to"), TEXT),
    **{"tags[]": TEXT, "timezone": {"", "utc", "browser"}, "graphTooltip": {0, 1, 2}},
    **{"schemaVersion": {39}, "version": NUMBER, "editable": FLAG},
}
PLACE: Mapping[str, Any] = {
    **{"id": NUMBER, "title": TEXT},
    **dict.fromkeys((f"gridPos.{each}" for each in "xywh"), NUMBER),
}
ROW: Mapping[str, Any] = {**PLACE, "type": {"row"}, "collapsed": FLAG}
LINE = {"solid", "dash", "dot", "square"}
PANEL: Mapping[str, Any] = {
    **PLACE,
    "description": TEXT,
    **{"datasource.type": {"prometheus"}, "datasource.uid": TEXT},
    **dict.fromkeys((f"targets[].{each}" for each in ("refId", "expr", "legendFormat", "datasource.uid")), TEXT),
    **{"targets[].datasource.type": {"prometheus"}, "targets[].format": {"table", "time_series", "heatmap"}},
    **dict.fromkeys((f"targets[].{each}" for each in ("instant", "range")), FLAG),
    "fieldConfig.defaults.unit": {"none", "short", "percentunit", "s", "ops", "bytes", "dateTimeAsLocal"},
    **{"fieldConfig.overrides[].matcher.id": {"byName"}, "fieldConfig.overrides[].matcher.options": TEXT},
    "fieldConfig.overrides[].properties[].id": {
        *("color", "unit", "custom.fillBelowTo", "custom.fillOpacity", "custom.lineStyle", "custom.lineWidth"),
    },
    "fieldConfig.overrides[].properties[].value": (TEXT, NUMBER),
    **{"fieldConfig.overrides[].properties[].value.mode": {"fixed"}},
    **{"fieldConfig.overrides[].properties[].value.fixedColor": TEXT},
    **{"fieldConfig.overrides[].properties[].value.fill": LINE},
    **{"fieldConfig.overrides[].properties[].value.dash[]": NUMBER},
    "transformations[].id": {"organize"},
    **dict.fromkeys(
        (f"transformations[].options.excludeByName.{each}" for each in ("Time", "Value", "__name__")), FLAG
    ),
}
OF_KIND: Mapping[str, Mapping[str, Any]] = {
    "stat": {
        "options.colorMode": {"none", "value", "background", "background_solid"},
        "options.textMode": {"auto", "value", "value_and_name", "name", "none"},
        "options.reduceOptions.calcs[]": {"lastNotNull", "last", "mean", "max", "min", "sum"},
        **{"options.reduceOptions.fields": TEXT, "options.reduceOptions.values": FLAG},
    },
    "table": {},
    "timeseries": {
        "options.legend.displayMode": {"list", "table", "hidden"},
        "options.legend.placement": {"bottom", "right"},
        "options.tooltip.mode": {"single", "multi", "none"},
        "fieldConfig.defaults.custom.fillOpacity": NUMBER,
        "fieldConfig.defaults.custom.lineInterpolation": {"linear", "smooth", "stepBefore", "stepAfter"},
        "fieldConfig.defaults.custom.stacking.mode": {"none", "normal", "percent"},
        "fieldConfig.defaults.custom.stacking.group": TEXT,
    },
    "state-timeline": {
        **{"options.mergeValues": FLAG, "options.rowHeight": float},
        "options.showValue": {"auto", "never", "always"},
    },
}


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Each text, number and truth value in an object, with its path; items of a list have the path of all of them."""
    if isinstance(value, dict):
        for name, each in value.items():
            yield from leaves(each, f"{path}.{name}" if path else name)
    elif isinstance(value, list):
        for each in value:
            yield from leaves(each, f"{path}[]")
    else:
        yield path, value


def faults(value: Mapping[str, Any], documented: Mapping[str, Any]) -> list[str]:
    """Fields that are not documented, and those with a value that is not."""
    return [
        f"{path}: {each!r}"
        for path, each in leaves(value)
        if path not in documented or not _fits(each, documented[path])
    ]


def _fits(value: Any, wanted: Any) -> bool:
    if isinstance(wanted, set):
        return value in wanted
    # To Python a truth value is a number.
    return isinstance(value, wanted) and (isinstance(value, bool) is (wanted is FLAG))


PANELS = dashboard()["panels"]


@pytest.mark.parametrize("panel", PANELS, ids=[each["title"] for each in PANELS])
def test_every_field_of_a_panel_is_documented_for_its_kind(panel: dict[str, Any]) -> None:
    kind = panel["type"]
    assert faults(panel, ROW if kind == "row" else {**PANEL, "type": {kind}, **OF_KIND[kind]}) == []


def test_every_field_beside_the_panels_is_documented() -> None:
    lists = ("templating", "annotations", "panels", "links")
    shown = dashboard()
    assert faults({name: each for name, each in shown.items() if name not in lists}, WHOLE) == []
    assert [faults(each, VARIABLE) for each in shown["templating"]["list"]] == [[]] * 4
    assert [faults(each, ANNOTATION) for each in shown["annotations"]["list"]] == [[]]


@pytest.mark.parametrize(
    ("field", "value"), [("colourMode", "value"), ("colorMode", "values"), ("graphMode", "area"), ("textMode", True)]
)
def test_a_field_or_value_that_grafana_does_not_know_is_told(field: str, value: Any) -> None:
    assert faults({"options": {field: value}}, OF_KIND["stat"]) == [f"options.{field}: {value!r}"]
