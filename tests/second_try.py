"""Tests on real clusters that failed beside others are run once more, alone, and named.

Two cores that carry three clusters can be busy for longer than a test waits. What fails alone too fails the run. What
does not is listed as unstable: it is a fault of the test or a race of the product, to be looked at, and is told in
every run until it is. Tests without a cluster, whose results do not hang on time, get no second try.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from tests.run_order import is_with_a_cluster

MOST = 4
"""Failures in more files than this are no accident of a busy machine. Tests of one file share what they ran on, so one
accident fails several of them."""


def failed(cache: Path) -> list[str]:
    """The tests with a cluster that failed last, by pytest's own cache below `cache`."""
    stored = cache / "v" / "cache" / "lastfailed"
    names = json.loads(stored.read_text()) if stored.exists() else {}
    return sorted(name for name in names if is_with_a_cluster(name))


def main(cache: Path, options: list[str]) -> int:
    """Run the failed tests again, one after the other. Returns the exit code, 0 only if all of them pass alone."""
    again = failed(cache)
    files = {name.split("::")[0] for name in again}
    if not 0 < len(files) <= MOST:
        print(f"tests of {len(files)} files with a cluster failed; those of 1 to {MOST} would get a second try")
        return 1
    print("These tests failed beside others and are run once more, alone:", *again, sep="\n  ", flush=True)
    command = [sys.executable, "-m", "pytest", "-q", "-o", f"cache_dir={cache}", *options, *again]
    code = subprocess.run(command, check=False).returncode
    if code == 0:
        print("UNSTABLE, passed alone and failed beside others; find out why:", *again, sep="\n  ", flush=True)
    return code


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2:]))
