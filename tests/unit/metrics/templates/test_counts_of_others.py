"""However counters of others are scraped, copied, renamed and restarted: no event is counted twice, nor one of before.

Each fault that was found once is put back here, to show that these worlds would find it again.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest

from earlystop.api.counts import Variant
from earlystop.metrics.source.failures import FailureKind, MetricsFailure
from earlystop.metrics.templates import growth, range_vectors, reset_ledger, vantage
from earlystop.metrics.templates.reset_ledger import ResetLedger, drop_silent, look, open_step, totals, uncertain
from earlystop.metrics.templates.reset_ledger_text import pack, unpack
from earlystop.metrics.templates.series_mark import Observed, Sample, SeriesId, SeriesMark
from earlystop.metrics.templates.stand_ins import StandIns
from earlystop.metrics.templates.vantage import Labels, Targets
from tests.unit.metrics.templates.kept_counters import KEPT
from tests.unit.metrics.templates.scraped_worlds import BEGIN_MS, DELAY_MS, END_MS, PlainWorld, PushedWorld, World
from tests.unit.metrics.templates.stored_worlds import WAYS, StoredWorld

WORLDS, BATCHES = 160, 8
Steps = dict[int, tuple[int, int]]


def watch(world: World, seed: int) -> tuple[ResetLedger, Steps]:
    """Looks to the end: some are lost with the operator, steps are opened, silent counters are dropped."""
    rng = random.Random(seed)
    ledger, read, opened, steps = ResetLedger(0, BEGIN_MS), BEGIN_MS - 100_000, BEGIN_MS, Steps()
    silence_ms = rng.choice([600_000, 3_600_000])
    now = BEGIN_MS
    while now < END_MS + DELAY_MS:
        now = min(END_MS + DELAY_MS, now + rng.randint(10_000, 90_000))
        until = now - DELAY_MS
        seen = look(ledger, world.store.read(read - 90_000, until, world.replica_label))
        if rng.random() < 0.15 and now < END_MS:
            continue  # the operator was killed before it could store the look
        ledger, read = unpack(pack(seen.ledger)), until
        if rng.random() < 0.08 and until > opened:
            steps[ledger.step] = (opened, until)
            ledger, opened = open_step(ledger, ledger.step + 1, until), until
        if rng.random() < 0.5:
            ledger = drop_silent(ledger, until - silence_ms)
    steps[ledger.step] = (opened, END_MS)
    return ledger, steps


def too_much(world: World, seed: int) -> str:
    """What was counted beyond what happened; "" when nothing was."""
    ledger, steps = watch(world, seed)
    for step, (opened, closed) in steps.items():
        for variant, tally in totals(ledger, step).items():
            happened = world.events_within(variant, opened, closed)
            if tally.completed > happened:
                return f"world {seed}, step {step}, {variant}: counted {tally.completed}, and {happened} happened"
    return ""


@pytest.mark.slow
@pytest.mark.parametrize("batch", range(BATCHES))
def test_no_more_is_counted_than_happened_in_any_world(batch: int) -> None:
    assert not [found for seed in range(batch, WORLDS, BATCHES) if (found := too_much(World(seed), seed))]


@pytest.mark.slow
def test_no_more_is_counted_than_happened_where_several_agents_push_what_they_read() -> None:
    assert not [found for seed in range(WORLDS) if (found := too_much(PushedWorld(seed), seed))]


@pytest.mark.slow
@pytest.mark.parametrize("way", sorted(set(WAYS) - {"beyond whole numbers"}))
def test_no_more_is_counted_than_happened_however_a_store_shows_what_was_scraped(way: str) -> None:
    assert not [found for seed in range(24) if (found := too_much(StoredWorld(seed, way), seed))]
    counted = 0
    for seed in range(4):
        ledger, steps = watch(StoredWorld(seed, way), seed)
        counted += sum(totals(ledger, step)[variant].completed for step in steps for variant in Variant)
    assert counted > 1_000


@pytest.mark.slow
@pytest.mark.parametrize("way", sorted(KEPT))
def test_no_more_is_counted_than_happened_however_an_application_keeps_its_counters(way: str) -> None:
    counted = 0
    for seed in range(24):
        world = StoredWorld(seed, KEPT[way])
        assert not too_much(world, seed)
        ledger, steps = watch(world, seed)
        counted += sum(totals(ledger, step)[variant].completed for step in steps for variant in Variant)
    assert counted > 1_000


@pytest.mark.slow
def test_a_counter_that_is_too_large_for_whole_numbers_is_refused_and_none_below_that_counts_too_much() -> None:
    refused = []
    for seed in range(40):
        try:
            assert not too_much(StoredWorld(seed, "beyond whole numbers"), seed)
        except MetricsFailure as failure:
            refused.append(failure.kind)
    assert len(refused) > 25 and set(refused) == {FailureKind.NOT_A_COUNT}


@pytest.mark.slow
def test_what_agents_push_is_found_to_be_counted_twice_where_their_labels_are_not_known(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(vantage, "REPLICA", "no-such-word")
    monkeypatch.setattr(vantage, "SCRAPER_LABELS", vantage.SCRAPER_LABELS - {"agent_hostname"})
    monkeypatch.setattr(vantage.Targets, "names_given", lambda *_: None)
    found = [bool(too_much(PushedWorld(seed), seed)) for seed in range(20)]
    assert sum(found) > 10


@pytest.mark.slow
def test_an_agents_label_of_any_name_is_known_by_the_start_times_that_it_pushes_too() -> None:
    worlds = ((seed, PushedWorld(seed, "cell", tells_start=True)) for seed in range(WORLDS // 2))
    assert not [found for seed, world in worlds if (found := too_much(world, seed))]


@pytest.mark.slow
@pytest.mark.parametrize("seed", [771048, 771742])
def test_a_counter_that_comes_back_after_another_name_counts_no_event_twice(seed: int) -> None:
    """Worlds in which one sample after the absence was read alone, so that no usual gap was known."""
    assert not too_much(World(seed), seed)


def test_growth_over_an_absence_is_not_counted_where_one_sample_alone_shows_the_return() -> None:
    way = SeriesId(Variant.BASELINE, "completed", "pod", vantage="job", address="host.port")
    own, renamed = replace(way, child="own"), replace(way, child="renamed")
    marks = {
        own: SeriesMark(1_000_000, 500, 500, 0, 100, 0, first_ms=100_000, peak_at_ms=1_000_000),
        renamed: SeriesMark(1_080_000, 580, 580, 0, 80, 500, first_ms=1_015_000, peak_at_ms=1_080_000),
    }
    ledger = ResetLedger(0, 900_000, series=marks)
    seen = look(ledger, {own: Observed([Sample(1_100_000, 600, 0)])}).ledger
    assert totals(seen, 0)[Variant.BASELINE].completed == 180
    assert seen.series[own].uncertain == 100


@pytest.mark.slow
def test_in_plain_worlds_everything_is_counted_that_scrapes_within_a_step_show_and_no_more() -> None:
    for seed in range(20):
        world = PlainWorld(seed)
        ledger, steps = watch(world, seed)
        for step, (opened, closed) in steps.items():
            for variant, tally in totals(ledger, step).items():
                assert tally.completed == world.seen_within(variant, opened, closed), (seed, step)


@pytest.mark.slow
def test_in_most_worlds_most_of_what_happened_is_counted() -> None:
    counted = happened = 0
    for seed in range(40):
        world = World(seed)
        ledger, steps = watch(world, seed)
        counted += sum(totals(ledger, step)[variant].completed for step in steps for variant in Variant)
        happened += sum(world.events_within(variant, *times) for times in steps.values() for variant in Variant)
    assert counted > 0.5 * happened


def by_all_labels(
    variant: Variant, field: str, labels: Labels, targets: Targets, replica_label: str | None, extended: bool
) -> SeriesId:
    kept = sorted((name, text) for name, text in labels.items() if name != replica_label)
    name = hashlib.sha256(repr(kept).encode()).hexdigest()[:12]
    return SeriesId(variant, field, name, labels.get(replica_label or "", ""))


def a_start_is_a_restart(mark: SeriesMark, sample: Sample) -> bool:
    if sample.start_ms is None or mark.start_ms is None:
        return sample.value < mark.value
    return sample.start_ms - mark.start_ms > growth.SAME_START_MS and sample.start_ms >= mark.at_ms - 2_000


def a_drop_is_a_restart(mark: SeriesMark, sample: Sample) -> bool:
    return sample.value < mark.value


def from_zero_after(is_restart: Callable[[SeriesMark, Sample], bool]) -> Callable[..., SeriesMark]:
    """Counts all of a value after a restart."""

    def believed(mark: SeriesMark, sample: Sample, since_ms: int, stood_in: bool = False) -> SeriesMark:
        after = growth.grown(mark, sample, since_ms, stood_in)
        if not is_restart(mark, sample) or sample.at_ms <= since_ms:
            return after
        return after._replace(peak=sample.value, counted=mark.counted + sample.value, uncertain=mark.uncertain)

    return believed


def from_zero(sample: Sample, since_ms: int) -> SeriesMark:
    first = growth.born(sample, since_ms)
    return first._replace(counted=first.uncertain, uncertain=0)


def from_zero_if_it_began_within(sample: Sample, since_ms: int) -> SeriesMark:
    began_within = sample.start_ms is not None and sample.start_ms > since_ms + growth.CLOCK_SKEW_MS
    return (from_zero if began_within else growth.born)(sample, since_ms)


def none_is(rows: Sequence[Labels], targets: Targets) -> list[bool]:
    return [False] * len(rows)


def never(*_: object) -> bool:
    return False


FAULTS: dict[str, list[tuple[object, str, object]]] = {
    "a series is all its labels": [(range_vectors, "series_id", by_all_labels)],
    "a start time is believed over the value": [(reset_ledger, "grown", from_zero_after(a_start_is_a_restart))],
    "a row with more labels is another counter": [(range_vectors, "extended_rows", none_is)],
    "absence is zero": [(reset_ledger, "born", from_zero)],
    "whatever a new process shows is its own": [(reset_ledger, "born", from_zero_if_it_began_within)],
    "a drop is a restart": [(reset_ledger, "grown", from_zero_after(a_drop_is_a_restart))],
    "a counter that comes back grew while it was away": [(StandIns, "counted_between", never)],
    "labels that a scraper kept aside are the process's own": [(vantage, "EXPORTED", "kept_")],
}


@pytest.mark.slow
@pytest.mark.parametrize("fault", FAULTS)
def test_these_worlds_find_each_fault_that_counts_too_much(fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for owner, name, wrong in FAULTS[fault]:
        monkeypatch.setattr(owner, name, wrong)
    assert any(too_much(World(seed), seed) for seed in range(WORLDS)), fault


@pytest.mark.slow
def test_the_worlds_of_disks_find_that_a_restart_or_a_new_process_is_believed_to_begin_at_zero(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, wrong in (("grown", from_zero_after(growth.restarted)), ("born", from_zero_if_it_began_within)):
        with monkeypatch.context() as put_back:
            put_back.setattr(reset_ledger, name, wrong)
            assert any(too_much(StoredWorld(seed, KEPT["read back from disk"]), seed) for seed in range(24)), name


@pytest.mark.slow
def test_what_is_left_open_is_told() -> None:
    left = 0
    for seed in range(20):
        ledger, steps = watch(World(seed), seed)
        left += sum(uncertain(ledger, step)[variant].completed for step in steps for variant in Variant)
    assert left > 0
