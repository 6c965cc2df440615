"""The injector's parent is small, and tells workers that end at once from those that served."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from earlystop.injector.memory import FASTEST_CLIMB, LOOK_SECONDS, Memory, most_in_use, seconds_until
from earlystop.injector.parent import PAUSES, pause_before_restart

MIB = 1 << 20
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


def group(directory: Path, limit: str, in_use: int, reclaimable: int = 0, ends_all: str = "1") -> Memory:
    """A control group as the kernel shows it."""
    stat = f"anon {in_use - reclaimable}\nfile {reclaimable}\nactive_file {reclaimable}\nslab 0\n"
    files = {"memory.max": limit, "memory.current": in_use, "memory.stat": stat, "memory.oom.group": ends_all}
    for name, content in files.items():
        (directory / name).write_text(f"{content}\n")
    return Memory(str(directory))


def test_memory_is_short_when_what_cannot_be_freed_comes_near_the_limit(tmp_path: Path) -> None:
    limit = 512 * MIB
    assert not group(tmp_path, str(limit), most_in_use(limit)).is_short()
    assert group(tmp_path, str(limit), most_in_use(limit) + 1).is_short()
    assert not group(tmp_path, str(limit), most_in_use(limit) + 1, reclaimable=MIB).is_short()
    assert [most_in_use(size * MIB) // MIB for size in (64, 128, 512, 2048)] == [56, 112, 480, 1984]


def test_programs_that_are_mapped_are_in_use_although_they_are_files(tmp_path: Path) -> None:
    limit = 128 * MIB
    memory = group(tmp_path, str(limit), most_in_use(limit) + 2 * MIB, reclaimable=14 * MIB)
    assert not memory.is_short()
    with (tmp_path / "memory.stat").open("a") as stat:
        stat.write(f"file_mapped {13 * MIB}\n")
    assert memory.is_short()


def test_memory_that_is_filled_as_fast_as_it_can_be_is_found_short_before_the_kernel_ends_anything() -> None:
    for limit in (size * MIB for size in (64, 128, 512, 2048, 9216)):
        for idle in range(0, most_in_use(limit), MIB):
            in_use = float(idle)
            while in_use <= most_in_use(limit):
                in_use += FASTEST_CLIMB * seconds_until(most_in_use(limit) - int(in_use))
            assert in_use < limit


def test_memory_is_looked_at_seldom_while_much_is_left_and_never_where_there_is_no_limit(tmp_path: Path) -> None:
    limit = 512 * MIB
    assert group(tmp_path, str(limit), 45 * MIB).seconds_to_look() == LOOK_SECONDS
    near = group(tmp_path, str(limit), most_in_use(limit) - 20 * MIB).seconds_to_look()
    assert near is not None and near < LOOK_SECONDS / 5
    assert group(tmp_path, "max", 45 * MIB).seconds_to_look() is None


def test_a_container_that_a_cache_of_files_fills_is_not_looked_at_more_often(tmp_path: Path) -> None:
    limit = 512 * MIB
    assert group(tmp_path, str(limit), limit, reclaimable=460 * MIB).seconds_to_look() == LOOK_SECONDS
    near = group(tmp_path, str(limit), limit, reclaimable=40 * MIB).seconds_to_look()
    assert near is not None and near < LOOK_SECONDS / 5


def test_a_limit_that_is_raised_or_lowered_while_the_container_runs_holds_from_then_on(tmp_path: Path) -> None:
    memory = group(tmp_path, str(512 * MIB), 600 * MIB)
    assert memory.is_short()
    for limit, is_short in ((1024, False), (512, True), (2048, False)):
        (tmp_path / "memory.max").write_text(f"{limit * MIB}\n")
        assert memory.is_short() is is_short


def test_memory_is_looked_at_only_where_all_processes_would_end_together(tmp_path: Path) -> None:
    assert group(tmp_path, str(512 * MIB), 0).is_limited
    for other in (
        group(tmp_path, "max", 512 * MIB),
        group(tmp_path, str(512 * MIB), 512 * MIB, ends_all="0"),
        Memory(str(tmp_path / "none")),
    ):
        assert not other.is_limited and not other.is_short()
