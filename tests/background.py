"""Runs a command for what the rest of the machine leaves over, and prints what it printed once it has ended.

`make test` computes so beside the tests that wait for a cluster: `python -m tests.background COMMAND...`.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

LOWEST = 19
AUTOGROUP = Path("/proc/self/autogroup")
"""Where Linux keeps the priority of a session against others: with it, `nice` counts only within one session, and the
parts of a cluster have one each. Not every Linux has it, and no other system."""


ENDING = {signal.SIGINT, signal.SIGTERM}


def step_back() -> None:
    """Give this process, and all that it starts, the lowest priority, and let signals reach it."""
    signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDING)
    os.nice(LOWEST)
    with contextlib.suppress(OSError):
        AUTOGROUP.write_text(str(LOWEST))


def main(command: Sequence[str]) -> int:
    """Returns the command's exit code. SIGINT and SIGTERM end the command with all that it has started, by SIGTERM:
    shells have their background ignore SIGINT."""
    # One that comes while the command is being started waits until it is known what to end.
    signal.pthread_sigmask(signal.SIG_BLOCK, ENDING)
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(
            command, stdout=output, stderr=subprocess.STDOUT, start_new_session=True, preexec_fn=step_back
        )

        def end(number: int, frame: FrameType | None) -> None:
            os.killpg(process.pid, signal.SIGTERM)

        for number in ENDING:
            signal.signal(number, end)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDING)
        code = process.wait()
        output.seek(0)
        sys.stdout.buffer.write(output.read())
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
