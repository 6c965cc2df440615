"""A browser without a screen: Chromium, which apt installs where it is missing.

`python -m tests.processes.browser` installs it, or says why this machine cannot.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from tests.cluster.cache import CACHE, locked

NAMES = ("chromium", "chromium-browser", "google-chrome")
HOW = "run `make browser` once, outside of any private network, as root of a Debian, or put chromium into PATH"
SECONDS = 180


class NoBrowser(Exception):
    """There is no browser, or it failed."""


def browser() -> str:
    """The path of the browser. Raises NoBrowser with what to do."""
    found = next((path for name in NAMES if (path := shutil.which(name))), None)
    if found is None:
        raise NoBrowser(f"{' or '.join(NAMES)} cannot be found; {HOW}")
    return found


def install() -> None:
    """Have apt install the browser where there is none. Raises NoBrowser where it cannot."""
    if any(shutil.which(name) for name in NAMES):
        return
    if shutil.which("apt-get") is None:
        raise NoBrowser(f"chromium cannot be found, and neither can apt-get; {HOW}")
    with locked(CACHE / "browser" / ".install"):
        for words in (["update"], ["install", "--yes", "--no-install-recommends", "chromium"]):
            done = subprocess.run(["apt-get", "-qq", *words], capture_output=True, text=True, check=False)
            if done.returncode:
                raise NoBrowser(f"apt-get {words[0]} failed: {done.stderr[-500:]}; {HOW}")


def rendered(page: Path, folder: Path) -> tuple[str, list[str]]:
    """The page as its scripts have left it, and what it wrote to the browser's console. folder: for the browser."""
    done = subprocess.run(
        [
            browser(),
            "--headless",
            "--no-sandbox",  # root has none, and the page is our own
            "--disable-gpu",
            "--disable-dev-shm-usage",
            f"--user-data-dir={folder / 'profile'}",
            "--virtual-time-budget=20000",
            "--enable-logging=stderr",
            "--dump-dom",
            page.as_uri(),
        ],
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    if done.returncode:
        raise NoBrowser(f"the browser ended with {done.returncode}: {done.stderr[-500:]}")
    return done.stdout, [line for line in done.stderr.splitlines() if "CONSOLE" in line]


if __name__ == "__main__":
    try:
        install()
    except NoBrowser as error:
        sys.exit(str(error))
