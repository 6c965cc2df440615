"""A search that is replayed in another process comes to the same verdicts, in the same bytes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[4]


@pytest.mark.slow
def test_replays_do_not_depend_on_the_order_in_which_a_process_hashes() -> None:
    begun = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.unit.rollout.search.replayed"],
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": seed},
            stdout=subprocess.PIPE,
        )
        for seed in ("1", "4294967295")
    ]
    first, second = (json.loads(each.communicate()[0]) for each in begun)
    assert [each.returncode for each in begun] == [0, 0]
    assert len(first) == 6 and first == second
