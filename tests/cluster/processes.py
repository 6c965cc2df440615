"""Child processes that never outlive their parent, and waiting for them with a deadline."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.cluster.errors import ClusterError
from tests.cluster.network import replace_tmp_before_exec

POLL_SECONDS, LATER_POLL_SECONDS, SOON_SECONDS = 0.05, 0.1, 2.0
"""How often is asked for what is waited for, at first and after the first seconds: each question costs the one who is
asked as well."""
# Deadlines are written for a quiet machine; two cores that carry three clusters can be so many times slower. A promise
# of time is measured by the test that states it, and not by how long it would have waited.
PATIENCE = 4.0
# Servers in Go collect garbage whenever their memory has doubled, which for small ones is many times a second.
COLLECT_SELDOM = {"GOGC": "300", "GOMEMLIMIT": "1GiB"}
_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)
# A proxy does not know the private network; the in-cluster variables would make clients ignore a kubeconfig.
_UNWANTED = (
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "KUBECONFIG",
    "KUBERNETES_SERVICE_HOST",
    "KUBERNETES_SERVICE_PORT",
)


def child_environment(**extra: str) -> dict[str, str]:
    """This process's environment without what would lead a child out of the private network."""
    kept = {name: value for name, value in os.environ.items() if name.upper() not in _UNWANTED}
    return {**kept, **extra}


class Child:
    """One server process. Its log is a file; it gets SIGKILL when the thread that started it ends.

    It runs in `directory`. private_tmp: it gets an empty /tmp of its own in there; name its files by relative
    paths then, as those of the caller in /tmp are out of its sight.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str | Path],
        directory: Path,
        *,
        environment: Mapping[str, str] | None = None,
        private_tmp: bool = False,
    ) -> None:
        if threading.current_thread() is not threading.main_thread():
            # The kernel ties the death signal to the starting thread, not to its process.
            raise ClusterError(f"start {name} from the main thread: it would die with any other thread")
        self.name = name
        self.log = directory / f"{name}.log"
        parent = os.getpid()
        words = [str(word) for word in command]
        replace_tmp = None
        if private_tmp:
            replace_tmp = _own_tmp(directory / f"{name}-tmp")
            # Relative to the working directory it is found even when it lies below the /tmp that gets hidden.
            words[0] = os.path.relpath(Path(words[0]).resolve(), directory.resolve())

        def die_with_parent() -> None:
            _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
            if os.getppid() != parent:  # it died before the line above
                os._exit(1)
            if replace_tmp is not None:
                replace_tmp()

        with self.log.open("ab") as stream:
            self._process = subprocess.Popen(
                words,
                cwd=directory,
                env=child_environment(**(environment or {})),
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=stream,
                start_new_session=True,  # Ctrl-C reaches only the parent, which then stops all in order
                preexec_fn=die_with_parent,
            )

    @property
    def pid(self) -> int:
        """Process id, also after its end."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether it is still running."""
        return self._process.poll() is None

    @property
    def exit_code(self) -> int | None:
        """How it ended, negative after a signal; None while it runs."""
        return self._process.poll()

    def wait_ready(self, check: Callable[[], bool], deadline_seconds: float) -> None:
        """Poll `check` until it is true. Raises ClusterError with the log's end on death or at the deadline."""
        try:
            wait_until(check, deadline_seconds, f"{self.name} to be ready", still_worth_it=lambda: self.alive)
        except ClusterError as error:
            end = "is still running" if self.alive else f"ended with code {self._process.returncode}"
            raise ClusterError(f"{error}; {self.name} {end}, the last lines of {self.log}:\n{self.tail()}") from None

    def tail(self, lines: int = 20) -> str:
        """The last lines of the log."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])

    @contextmanager
    def suspended(self) -> Iterator[None]:
        """It does nothing while the block runs, and goes on then where it was."""
        os.kill(self.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(self.pid, signal.SIGCONT)

    def stop(self, patience_seconds: float = 10.0) -> None:
        """SIGTERM, then SIGKILL for one that takes longer than `patience_seconds` (0: at once). Idempotent."""
        if patience_seconds > 0 and self.alive:
            self._process.terminate()
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(patience_seconds)
        self._process.kill()
        self._process.wait()


def _own_tmp(directory: Path) -> Callable[[], None]:
    directory.mkdir(exist_ok=True)
    return replace_tmp_before_exec(directory)


def is_running(pid: int) -> bool:
    """Whether that process exists and is more than an entry that nobody has collected yet."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state not in "XZ"


def wait_until(
    check: Callable[[], bool],
    deadline_seconds: float,
    what: str,
    still_worth_it: Callable[[], bool] = lambda: True,
) -> None:
    """Poll `check` until it is true; raises ClusterError naming `what` at PATIENCE times the deadline."""
    start = time.monotonic()
    most = PATIENCE * deadline_seconds
    while not check():
        waited = time.monotonic() - start
        if waited > most or not still_worth_it():
            raise ClusterError(f"waited {waited:.1f} s (of at most {most:.0f} s) for {what}")
        time.sleep(POLL_SECONDS if waited < SOON_SECONDS else LATER_POLL_SECONDS)
