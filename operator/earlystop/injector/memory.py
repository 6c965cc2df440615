"""How much memory a container has left, where the kernel would end all of its processes at once.

Since Kubernetes 1.28 kubelet has it do so on nodes with control groups of version 2 (`memory.oom.group`), unless it is
told otherwise (`singleProcessOOMKill`). Then a parent that keeps its sockets would go together with its worker.
"""

from __future__ import annotations

HERE = "/sys/fs/cgroup"
"""Where a container finds its own control group."""
LEFT = 32 << 20
"""Bytes that are kept back: what is filled in 16 ms, in which a busy machine may not let the parent look. Of a small
limit it is a part, as of a large one."""
PART_OF_SMALL, PART_OF_LARGE = 8, 32
FASTEST_CLIMB = 2 << 30
"""Bytes a second by which long bodies that come at once fill memory: 1.1 to 1.8 GiB were measured, on two cores."""
LOOK_SECONDS, QUICKEST_LOOK_SECONDS = 0.1, 0.003
"""Between two looks, at the most and at the least."""
_RECLAIMABLE = ("active_file", "inactive_file", "slab_reclaimable")
"""Lines of memory.stat with what the kernel frees by itself before it ends anything."""
_MAPPED = "file_mapped"


class Memory:
    """The memory of the control group whose files are there. It looks only where all would be ended at once.

    The limit is read anew at each look, since kubelet changes it in a running container whose Pod is resized.
    """

    def __init__(self, directory: str = HERE) -> None:
        self._directory = directory
        self.is_limited = self._word("memory.oom.group") == "1" and self._most() is not None
        """Whether there is anything to look at. A container that has a limit keeps one."""

    def is_short(self) -> bool:
        """Whether so little is left that the kernel is about to end all processes."""
        most = self._most() if self.is_limited else None
        if most is None or self._in_use() <= most:
            return False
        return self._in_use() - self._reclaimable() > most

    def seconds_to_look(self) -> float | None:
        """Until when nothing can have become short that is not short now, within the bounds of looks; None where there
        is nothing to look at. What the kernel frees by itself is left: with a cache that fills a container, looks are
        no quicker."""
        most = self._most() if self.is_limited else None
        if most is None:
            return None
        seconds = seconds_until(most - self._in_use())
        return seconds if seconds == LOOK_SECONDS else seconds_until(most - self._in_use() + self._reclaimable())

    def _most(self) -> int | None:
        """Bytes in use above which memory is short now, None where there is no limit."""
        limit = self._word("memory.max")
        return most_in_use(int(limit)) if limit.isdigit() else None

    def _in_use(self) -> int:
        return int(self._word("memory.current") or 0)

    def _reclaimable(self) -> int:
        """Bytes that the kernel frees by itself. Not those of files that are mapped, as the programs of both processes
        are where no other container has read them before: they would be read again at once."""
        words = self._word("memory.stat").split()
        found = dict(zip(words[::2], words[1::2], strict=False))
        freed = sum(int(found.get(name, 0)) for name in _RECLAIMABLE)
        return max(0, freed - int(found.get(_MAPPED, 0)))

    def _word(self, name: str) -> str:
        """What a file holds, "" where there is none."""
        try:
            with open(f"{self._directory}/{name}") as file:  # noqa: PTH123 - pathlib would stay in the parent's memory
                return file.read().strip()
        except OSError:
            return ""


def seconds_until(left: int) -> float:
    """Seconds in which so many bytes cannot be used up, within the bounds of looks."""
    return min(LOOK_SECONDS, max(QUICKEST_LOOK_SECONDS, left / FASTEST_CLIMB))


def most_in_use(limit: int) -> int:
    """Bytes in use above which memory is short, by the limit in bytes: an eighth is left, at most 32 MiB, or else a
    thirty-second part."""
    return limit - max(limit // PART_OF_LARGE, min(limit // PART_OF_SMALL, LEFT))
