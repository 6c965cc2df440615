"""What processes wait for a core is measured on real ones, and stretches a promise by no more than that."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from tests.cluster.slowed import LONGEST_FACTOR, CoreWaits, added, stretched

BUSY_SECONDS = 2.0
SPIN = "import os; os.sched_setaffinity(0, {%d}); print(flush=True)\nwhile True: pass"


@pytest.fixture
def rivals() -> Iterator[list[subprocess.Popen[bytes]]]:
    """Two processes that want the same core all the time."""
    core = min(os.sched_getaffinity(0))
    command = [sys.executable, "-c", SPIN % core]
    started = [subprocess.Popen(command, stdout=subprocess.PIPE) for _ in range(2)]
    for each in started:
        assert each.stdout is not None and each.stdout.readline()
    yield started
    for each in started:
        each.kill()
        each.communicate()


def test_of_two_that_want_one_core_each_waits_while_the_other_has_it(rivals: list[subprocess.Popen[bytes]]) -> None:
    with CoreWaits(lambda: [each.pid for each in rivals]) as waits:
        began = time.monotonic()
        time.sleep(BUSY_SECONDS)
        ended = time.monotonic()
        # Whatever else runs, at every moment one of them waits.
        assert waits.waited(began, ended) >= 0.8 * (ended - began)
        assert 1.8 <= waits.factor(began, ended) <= LONGEST_FACTOR


def test_who_sleeps_waits_for_no_core_and_a_broken_promise_says_both_figures() -> None:
    with subprocess.Popen(["sleep", "600"]) as sleeping, CoreWaits(lambda: [sleeping.pid]) as waits:
        began = time.monotonic()
        time.sleep(0.5)
        waits.assert_within(0.6 + time.monotonic() - began, began, "it slept")
        with pytest.raises(AssertionError, match=r"it took \d+\.\d s until it slept, and may take 0\.1 s x 1\.\d\d"):
            waits.assert_within(0.1, began, "it slept")
        sleeping.kill()


def test_threads_that_begin_or_end_between_two_looks_take_nothing_away() -> None:
    before = {(1, 1): 100, (1, 2): 900, (1, 3): 700}
    assert added(before, {(1, 1): 150, (1, 3): 20, (2, 2): 5}) == 50 + 20 + 5, "(1, 3) is another one by now"
    assert added(before, before) == 0 and added(before, {}) == 0


def test_a_promise_is_stretched_by_the_part_that_was_waited_and_never_without_end() -> None:
    assert [stretched(waited, 10.0) for waited in (0.0, 5.0, 20.0, 1000.0)] == [1.0, 1.5, 3.0, LONGEST_FACTOR]
    assert stretched(0.0, 0.0) == 1.0
