"""What a source lacks is not laid to its targets where it was asked for at a time that has not come there yet."""

from __future__ import annotations

import time
from email.utils import formatdate

import pytest

from earlystop.metrics.source.client import ExactPrometheus
from earlystop.metrics.source.clocks import late_by, seconds_ahead, seconds_behind, with_clocks_named
from earlystop.metrics.source.failures import FailureKind, MetricsFailure
from tests.unit.metrics.source.faulty_server import Handler, serving, vector

NOW = 1_700_000_000.0
STALE = MetricsFailure(FailureKind.STALE, "the target qa-0 is down")


def test_a_clock_that_is_minutes_off_is_named_with_the_direction_in_which_it_is() -> None:
    for ahead, words in ((297.4, "297 s ahead of the metrics source's"), (-301.0, "301 s behind the metrics source's")):
        found = with_clocks_named(STALE, ahead)
        assert found.kind is FailureKind.CLOCKS_DIFFER and words in found.message and "NTP" in found.message


@pytest.mark.parametrize("ahead", [None, 0.0, 9.0, -9.0])
def test_clocks_that_agree_or_are_not_known_change_nothing(ahead: float | None) -> None:
    assert with_clocks_named(STALE, ahead) is STALE


@pytest.mark.parametrize(
    ("ahead", "behind"), [(None, None), (300.0, None), (-9.9, None), (-10.0, 10.0), (-301.0, 301.0)]
)
def test_a_clock_is_behind_from_ten_seconds_on(ahead: float | None, behind: float | None) -> None:
    assert seconds_behind(ahead) == behind


def test_who_reads_of_a_clock_that_is_behind_learns_by_how_much_what_follows_and_what_to_do() -> None:
    assert "was counted 301 s ago" in late_by(301.2) and "harm is found" in late_by(301.2) and "NTP" in late_by(301.2)


def test_a_failure_that_has_another_cause_stays() -> None:
    refused = MetricsFailure(FailureKind.UNAUTHORIZED, "no")
    assert with_clocks_named(refused, 300.0) is refused


def test_a_date_that_cannot_be_read_says_nothing() -> None:
    for date in ("", "yesterday", "Tue, 99 Nov 2023 22:13:20 GMT"):
        assert seconds_ahead(date, NOW) is None
    assert seconds_ahead(formatdate(NOW, usegmt=True), NOW + 7) == 7
    assert seconds_ahead(formatdate(NOW), NOW) == 0  # without a zone, as -0000


def test_the_client_knows_by_each_answer_how_far_the_source_is_behind() -> None:
    def answer(handler: Handler) -> None:
        handler.date_time_string = lambda timestamp=None: formatdate(time.time() - 300, usegmt=True)  # type: ignore[method-assign]
        handler.reply(200, vector())

    with serving(answer) as server:
        client = ExactPrometheus(server.url)
        assert client.seconds_ahead is None
        client.instant_vector("up", 0.0)
    assert client.seconds_ahead == pytest.approx(300, abs=5)
