"""The injector's parent is small, and tells workers that end at once from those that served."""

from __future__ import annotations

import subprocess
import sys

from earlystop.injector.parent import PAUSES, pause_before_restart

NOT_IMPORTED = ("asyncio", "typing", "dataclasses", "subprocess", "aiohttp", "prometheus_client", "pydantic", "typer")


def test_the_parent_imports_nothing_that_its_memory_would_show() -> None:
    asked = "import sys, earlystop.injector.parent; print(*sys.modules)"
    found = subprocess.run([sys.executable, "-S", "-c", asked], capture_output=True, text=True, check=True)
    assert not {*NOT_IMPORTED} & {each.partition(".")[0] for each in found.stdout.split()}


def test_a_worker_that_served_is_followed_by_another_one_without_a_pause() -> None:
    assert pause_before_restart(0) == 0.0


def test_pauses_get_longer_until_it_is_given_up() -> None:
    pauses = [pause_before_restart(ended) for ended in range(len(PAUSES) + 2)]
    assert pauses[-2:] == [None, None] and None not in pauses[:-2]
    assert pauses[:-2] == sorted(PAUSES)
