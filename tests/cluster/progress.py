"""A long command with one line of progress, for whoever waits."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from tests.cluster.errors import ClusterError

LINES_OF_FAILURE = 20


def minutes(seconds: float) -> str:
    """As in `3:07 min`."""
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d} min"


def run_with_progress(
    command: Sequence[str | Path],
    log: Path,
    progress: Callable[[], str],
    *,
    directory: Path,
    environment: Mapping[str, str],
) -> None:
    """Run a command with its output in `log`, and show the line that `progress` gives until it ends.

    On a terminal the line is renewed every second, elsewhere one is printed every 30 s.
    Raises ClusterError with the end of the output when the command fails.
    """
    with log.open("wb") as stream:
        process = subprocess.Popen(command, cwd=directory, env=environment, stdout=stream, stderr=stream)
        try:
            _show(process, progress)
        finally:
            process.terminate()  # when interrupted; a no-op after its end
            process.wait()
    if process.returncode != 0:
        tail = "\n".join(log.read_text(errors="replace").splitlines()[-LINES_OF_FAILURE:])
        raise ClusterError(f"`{' '.join(map(str, command))}` in {directory} failed:\n{tail}")


def _show(process: subprocess.Popen[bytes], progress: Callable[[], str]) -> None:
    interactive = sys.stderr.isatty()
    while True:
        line = progress()
        print(f"\r\033[K{line}" if interactive else line, end="" if interactive else "\n", file=sys.stderr, flush=True)
        try:
            process.wait(timeout=1 if interactive else 30)
            break
        except subprocess.TimeoutExpired:
            continue
    if interactive:
        print(file=sys.stderr)
