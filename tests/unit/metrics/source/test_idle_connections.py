"""A connection that was idle may be closed by then: that costs no look, and no question is asked more than twice."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from earlystop.metrics.source.client import IDLE_SECONDS, ExactPrometheus
from earlystop.metrics.source.failures import FailureKind, MetricsFailure
from tests.unit.metrics.source.faulty_server import Handler, count_row, serving, vector


def once_for_each_connection(handler: Handler) -> None:
    """Answers the first request of a connection, and ends the connection at the second one."""
    if getattr(handler, "was_used", False):
        handler.close_connection = True
        return
    handler.was_used = True  # type: ignore[attr-defined]
    handler.reply(200, vector(count_row("41")))


def never(handler: Handler) -> None:
    handler.close_connection = True


def silent_later(handler: Handler) -> None:
    """Answers the first request of a connection, and says nothing to the second one."""
    if getattr(handler, "was_used", False):
        handler.server.over.wait(30.0)
        return
    handler.was_used = True  # type: ignore[attr-defined]
    handler.reply(200, vector(count_row("41")))


def test_a_connection_that_the_source_closed_meanwhile_costs_no_look() -> None:
    with serving(once_for_each_connection) as server:
        client = ExactPrometheus(server.url)
        for _ in range(3):
            assert len(client.instant_vector("up", 0.0)) == 1
        assert len(server.requests) == 5, "the second try of each but the first goes into a new connection"


@pytest.mark.parametrize(("answer", "asked"), [(never, 1), (silent_later, 2)])
def test_what_fails_on_a_new_connection_or_takes_its_time_is_not_asked_again(
    answer: Callable[[Handler], None], asked: int
) -> None:
    with serving(answer) as server:
        client = ExactPrometheus(server.url, read_seconds=1.0, total_seconds=3.0)
        failed = []
        for _ in range(asked):
            try:
                client.instant_vector("up", 0.0)
            except MetricsFailure as failure:
                failed.append(failure.kind)
        assert failed == [FailureKind.UNREACHABLE if answer is never else FailureKind.TIMEOUT]
        assert len(server.requests) == asked


@pytest.mark.parametrize(("passed", "opened"), [(IDLE_SECONDS - 1, 1), (IDLE_SECONDS + 1, 2)])
def test_a_connection_that_was_idle_for_long_is_not_used_again(passed: float, opened: int) -> None:
    """What stands between may have dropped it, and says so to nobody."""
    now = 1000.0
    with serving(lambda handler: handler.reply(200, vector(count_row("41")))) as server:
        client = ExactPrometheus(server.url, clock=lambda: now)
        client.instant_vector("up", 0.0)
        now += passed
        client.instant_vector("up", 0.0)
        assert client._transport.opened == opened
