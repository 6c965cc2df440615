"""The pure parts of `make bench-beside`: who looked when, who is best, and the objects that are asked about."""

from __future__ import annotations

import json
from math import isnan, nan
from pathlib import Path

import pytest

from tests.bench.beside_peers import PEERS, Peer, name_of, question
from tests.bench.beside_queries import Query, QueryLog, gaps, quantile, queries_in
from tests.bench.beside_table import ROWS, Figures, as_markdown, best, of_this_operator
from tests.bench.scale_table import ColdStart, Steady

OURS = Figures("ours", 120.0, 1600, 1600.0, 0.04, 97.0, 100.0, 0.0, 2.0, 0.7, 0.1, 0.3, 6.0, 4.0, 0.1)
OTHER = Figures("other", 120.0, 1200, 1600.0, 0.06, 84.0, 85.0, 110.0, 10.0, 10.0, 5.0, 5.1, 29.0, 3.0, 0.3)


def line(second: float, query: str) -> str:
    told = {"time": f"2026-11-29T10:00:{second:012.9f}Z", "msg": "promql query logged", "params": {"query": query}}
    return json.dumps(told)


def row(field: str) -> frozenset[str]:
    return best(next(each for each in ROWS if each.field == field), (OURS, OTHER))


def test_a_query_names_its_object_and_one_about_many_names_none() -> None:
    both = 'sum(rate(a{policy="x/one"}[1m])) + sum(rate(a{policy="x/two"}[1m]))'
    lines = [line(1.5, question("x/one")), line(2.0, "vector(1)"), line(3.0, both)]
    assert [(each.name, each.at % 60) for each in queries_in(lines)] == [("x/one", 1.5)]


def test_a_log_is_read_on_from_where_it_was_and_never_in_the_middle_of_a_line(tmp_path: Path) -> None:
    path, whole = tmp_path / "queries.log", line(1.0, question("ä/one")) + "\n"
    path.write_text(whole + whole[:30])
    log = QueryLog(path)
    assert len(log.since(0.0)) == 1
    path.write_text(whole + whole)
    assert len(log.since(0.0)) == 2
    assert log.since(log.since(0.0)[0].at + 1.0) == []


def test_gaps_are_those_of_one_object_and_quantiles_are_values_that_were_measured() -> None:
    queries = [Query(0.0, "a"), Query(1.0, "b"), Query(15.0, "a"), Query(21.0, "b"), Query(30.5, "a")]
    assert gaps(queries) == [15.0, 15.5, 20.0]
    assert (quantile([15.0, 15.5, 20.0], 0.5), quantile([15.0, 15.5, 20.0], 0.99)) == (15.5, 20.0)
    assert quantile([1.0], 0.0) == 1.0 and isnan(quantile([], 0.5))


def test_the_least_is_best_and_what_is_not_a_number_never_is() -> None:
    assert row("cores") == {"ours"} and row("resident_mib") == {"other"}
    assert row("looks_missing") == {"ours"}, "of looks that are due none may be missing"
    unknown = Figures("unknown", 120.0, 0, 1600.0, *([nan] * 11))
    assert best(ROWS[0], (unknown, OURS)) == {"ours"} and best(ROWS[0], (unknown,)) == frozenset()
    assert isnan(unknown.cpu_milliseconds_a_look)


def test_cpu_of_a_look_is_that_of_looks_that_were_taken() -> None:
    assert OURS.cpu_milliseconds_a_look == pytest.approx(3.0) and OTHER.cpu_milliseconds_a_look == pytest.approx(6.0)
    assert OTHER.looks_missing == pytest.approx(0.25)


def test_this_operators_figures_are_those_of_its_own_benchmark() -> None:
    costs = Steady(
        seconds=60.0,
        resident_mib=97.0,
        peak_mib=98.0,
        cores=0.046,
        others_cores=0.1,
        late_median=0.1,
        late_99=0.3,
        writes_a_second=2.0,
        writes_busiest=3.0,
        reads_a_second=0.03,
        queries_a_second=0.6,
        looks=798,
        looks_expected=800.0,
        looks_failed=0,
    )
    again = ColdStart(answering=1.0, caught_up=8.5, looks=1200, peak_mib=100.0, cpu_seconds=5.0, others_cores=0.3)
    found = of_this_operator("ours", costs, again)
    assert (found.peak_mib, found.restart_seconds, found.reads) == (100.0, 8.5, 0.03)


def test_a_page_has_every_row_and_marks_the_best() -> None:
    lines = as_markdown((OURS, OTHER)).splitlines()
    assert len(lines) == 2 + len(ROWS) and len({each.count("|") for each in lines}) == 1
    assert lines[2] == "| CPU, cores | **0.040** | 0.060 |"


@pytest.mark.parametrize("peer", PEERS, ids=lambda peer: peer.name)
def test_every_object_asks_about_itself_on_its_own_name(peer: Peer) -> None:
    objects = peer.objects(7)
    assert {(each["metadata"]["namespace"], each["metadata"]["name"]) for each in objects} == {("team-07", name_of(7))}
    shared = json.dumps(peer.shared("http://prometheus:9090"))
    asks = {"Argo Rollouts": "{{args.policy}}", "Flagger": "{{ namespace }}/{{ target }}"}[peer.name]
    assert json.dumps(question(asks))[1:-1] in shared
