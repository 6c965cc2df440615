"""A series that several processes answer in turn, as workers that share a port, is refused; one counter never is."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace

import pytest

from earlystop.api.counts import Variant
from earlystop.metrics.source.failures import FailureKind, MetricsFailure
from earlystop.metrics.templates.range_vectors import RawSeries, observe
from earlystop.metrics.templates.reader import TemplateRequest, read_templates
from earlystop.metrics.templates.reset_ledger import ResetLedger, look, totals
from earlystop.metrics.templates.series_mark import Sample
from earlystop.metrics.templates.several_processes import HISTORY_SECONDS, are_of_several
from tests.unit.every_row import every_row

AT = 1_760_000_000
INTERVAL = 15
BEGUN = 1000 * (AT - 9_000)
TARGET = {"job": "qa", "instance": "10.0.0.1:8000", "pod": "qa-1"}


def samples(values: Sequence[int], *starts: int | None) -> list[Sample]:
    """One sample every 15 s. starts: of each sample's process, the last one for all that follow."""
    told = [starts[min(index, len(starts) - 1)] if starts else BEGUN for index in range(len(values))]
    moments = (1000 * (AT + INTERVAL * (index - len(values))) for index in range(len(values)))
    return [Sample(at, value, start) for at, value, start in zip(moments, values, told, strict=True)]


def workers(seed: int, number: int, rate: float, scrapes: int = 40, spread: float = 0.25) -> list[Sample]:
    """Workers of one server, forked at once long ago, of which each scrape meets any. rate: events a second of all of
    them. spread: how much their counters differ."""
    rng = random.Random(seed)
    values = [round(2_000 * (1 + spread * (rng.random() - 0.5))) for _ in range(number)]
    shown = []
    for _ in range(scrapes):
        values = [each + (round(rng.expovariate(number / (rate * INTERVAL))) if rate else 0) for each in values]
        shown.append(rng.choice(values))
    return samples(shown)


@pytest.mark.parametrize("number", [2, 4, 8])
@pytest.mark.parametrize("rate", [0.0, 0.2])
def test_workers_that_share_a_port_are_found_by_ten_minutes_of_scrapes(number: int, rate: float) -> None:
    assert sum(are_of_several(workers(seed, number, rate)) for seed in range(100)) >= 97
    without_starts = [[each._replace(start_ms=None) for each in workers(seed, number, rate)] for seed in range(100)]
    assert sum(map(are_of_several, without_starts)) >= 90


RISING = [100 + 7 * each for each in range(40)]
ONE: dict[str, list[Sample]] = {
    "a counter": samples(RISING),
    "a counter at rest": samples([100] * 40),
    "a server that restarted twice": samples([*RISING[:14], *RISING[:14], *RISING[:12]], *[BEGUN] * 14, *[1000 * AT]),
    "servers that say at each restart when they began": samples(
        [each % 5 * 100 for each in range(40)], *(1000 * (AT + INTERVAL * (each - each % 5 - 40)) for each in range(40))
    ),
    "an exporter whose server restarts": samples([*RISING[:20], *range(0, 100, 5)]),
    "a copy that lags by a scrape now and then": samples([RISING[each - each % 3 % 2] for each in range(40)]),
    "a sum that a collector begins anew": samples([each % 8 * 3 for each in range(40)]),
    "a sum that begins anew without a start": samples([each % 8 * 3 for each in range(40)], None),
    "a counter that a call sets to zero": samples([*RISING[:10], 0, 9, 30, *RISING[:27]]),
    "zeros of another moment in between": samples([0 if each % 4 == 3 else RISING[each] for each in range(40)]),
    "one look": samples([100, 90, 100, 90]),
    "nothing": [],
}


@every_row("name", ONE)
def test_one_counter_that_falls_for_a_reason_is_taken_for_one(name: str) -> None:
    assert not are_of_several(ONE[name])


class Source:
    """A store of one series and its process's start."""

    def __init__(self, shown: Sequence[Sample]) -> None:
        self._shown = shown

    def range_vector(self, query: str, at: float) -> list[RawSeries]:
        name, _, rest = query.partition("{")
        seconds = int(query[query.rindex("[") + 1 : -1].removesuffix("s"))
        begin = 1000 * (at - seconds)
        inside = [each for each in self._shown if begin < each.at_ms <= 1000 * at]
        points = [(each.at_ms, str(each.value)) for each in inside]
        if name == "done" and "baseline" in rest:
            return [RawSeries({"__name__": "done", "variant": "baseline", **TARGET}, points)]
        if name == "process_start_time_seconds":
            return [RawSeries(TARGET, [(each.at_ms, str((each.start_ms or 0) / 1000)) for each in inside])]
        return []


ASKED = TemplateRequest("llm/qa", "r1", HISTORY_SECONDS, "Custom", {"completed": 'done{variant="{variant}"}'})


def test_what_workers_count_in_turn_is_refused_by_their_address_with_what_to_do() -> None:
    with pytest.raises(MetricsFailure, match="several processes answer in turn") as raised:
        read_templates(Source(workers(1, 4, 0.2)), ASKED, AT)
    assert raised.value.kind is FailureKind.TEMPLATES_UNUSABLE
    assert "job qa at 10.0.0.1:8000" in str(raised.value) and "PROMETHEUS_MULTIPROC_DIR" in str(raised.value)


def test_without_that_refusal_a_campaign_would_begin_with_answers_that_never_happened() -> None:
    """Nobody asked these workers anything, and short looks see too little of them."""
    counted = 0
    for seed in range(40):
        shown = workers(seed, 4, 0.0)
        short = [each for each in shown if each.at_ms > 1000 * (AT - 120)]
        row = RawSeries({"__name__": "done", **TARGET}, [(each.at_ms, str(each.value)) for each in short])
        starts = RawSeries(TARGET, [(each.at_ms, str(BEGUN / 1000)) for each in short])
        seen = look(ResetLedger(0, 1000 * (AT - 100)), observe({(Variant.BASELINE, "completed"): [row]}, [starts]))
        counted += totals(seen.ledger, 0)[Variant.BASELINE].completed > 0
        with pytest.raises(MetricsFailure):
            read_templates(Source(shown), replace(ASKED, revision=f"r{seed}"), AT)
    assert counted >= 5


LATER = {**TARGET, "pod": "qa-2", "instance": "10.0.0.2:8000"}


class Mended:
    """A store of workers that shared a port until 150 s ago, and of the Pod that runs since."""

    def __init__(self) -> None:
        self.asked: set[int] = set()
        begin = 1000 * (AT - 150)
        self._before = [each for each in workers(1, 4, 0.2) if each.at_ms <= begin]
        self._after = [Sample(each.at_ms, each.value, begin) for each in samples(RISING) if each.at_ms > begin]

    def range_vector(self, query: str, at: float) -> list[RawSeries]:
        name, _, rest = query.partition("{")
        seconds = int(query[query.rindex("[") + 1 : -1].removesuffix("s"))
        self.asked.add(seconds)
        is_counter = name == "done" and "baseline" in rest
        found = []
        for labels, shown in ((TARGET, self._before), (LATER, self._after)):
            inside = [each for each in shown if 1000 * (at - seconds) < each.at_ms <= 1000 * at]
            points = [(each.at_ms, str(each.value if is_counter else (each.start_ms or 0) / 1000)) for each in inside]
            if points and is_counter:
                found.append(RawSeries({"__name__": "done", "variant": "baseline", **labels}, points))
            if points and name == "process_start_time_seconds":
                found.append(RawSeries(labels, points))
        return found


def test_what_ended_before_the_window_is_no_reason_to_refuse_what_is_read_now() -> None:
    source = Mended()
    reading = read_templates(source, replace(ASKED, window_seconds=120, history_seconds=HISTORY_SECONDS), AT)
    assert source.asked == {HISTORY_SECONDS}
    (observed,) = reading.observed.values()
    assert min(each.at_ms for each in observed.samples) > 1000 * (AT - 120)


def test_the_first_look_of_a_campaign_finds_workers_whose_jumps_its_window_is_too_short_for() -> None:
    with pytest.raises(MetricsFailure, match="several processes answer in turn"):
        read_templates(
            Source(workers(1, 4, 0.2)), replace(ASKED, window_seconds=60, history_seconds=HISTORY_SECONDS), AT
        )
