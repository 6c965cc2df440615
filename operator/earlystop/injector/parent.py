"""The injector's parent process: it holds the sockets, starts the worker that serves, and starts it again when it ends.

A worker that is killed takes with it the requests that it was serving. All others wait in the queues of the listening
sockets, which never close, since the parent holds them too, and are served by the next worker. The parent accepts
nothing and reads nothing of any request, so that nothing that a client sends can end it; and it imports next to
nothing, since its memory counts beside the worker's.
"""

from __future__ import annotations

import os
import select
import signal
import socket
import sys
import time

from earlystop.injector.memory import Memory

LINK = "EARLYSTOP_INJECTOR_LINK"
"""Variable with the number of the file descriptor by which a worker talks with its parent. Only the parent sets it."""
QUICK_SECONDS = 10.0
"""A worker that served for less than this has ended at once."""
PAUSES = (0.0, 0.0, 0.5, 1.0, 2.0)
"""Seconds before a worker is started again, by how many have ended at once, one after another. After as many the parent
ends, so that whoever runs it sees that it does not work: kubelet shows CrashLoopBackOff."""
MAX_SOCKETS = 64
ASKED_TO_END = (signal.SIGTERM, signal.SIGINT)


def pause_before_restart(ended_at_once: int) -> float | None:
    """Seconds before a worker is started again, None where it is not.

    ended_at_once: how many workers did, one after another.
    """
    return PAUSES[ended_at_once] if ended_at_once < len(PAUSES) else None


class Parent:
    """Runs workers until it is asked to end. Make one in a process: it takes over the process' signals.

    command: of a worker, the path of its program first. memory: a worker that leaves none of it is ended, before the
    kernel would end this process too.
    """

    def __init__(self, command: list[str], memory: Memory) -> None:
        self._command = command
        self._memory = memory
        self._sockets: list[int] = []
        self._told = b""
        self._restarts = 0
        self._is_leaving = False
        self._woken, wakes = os.pipe()
        os.set_blocking(wakes, False)
        signal.set_wakeup_fd(wakes, warn_on_full_buffer=False)
        for number in (*ASKED_TO_END, signal.SIGCHLD):
            signal.signal(number, self._note)

    def run(self) -> int:
        """Gives the exit status. A first worker that ends before it serves, as for a wrong option, is not started
        again."""
        ended_at_once = 0
        while True:
            status, served = self._run_worker()
            if self._is_leaving or not self._sockets:
                return status if status >= 0 else 128 - status
            ended_at_once = ended_at_once + 1 if served < QUICK_SECONDS else 0
            how = f"exit status {status}" if status >= 0 else f"signal {-status}"
            pause = pause_before_restart(ended_at_once)
            if pause is None:
                _say(f"the worker ended by {how}, the {ended_at_once}th time within {QUICK_SECONDS:.0f} s; giving up")
                return 1
            _say(f"the worker ended by {how} after {served:.1f} s; requests wait until another one serves")
            self._restarts += 1
            self._pause(pause)
            if self._is_leaving:
                return 0

    def _pause(self, seconds: float) -> None:
        """Waits, unless this process is asked to end."""
        until = time.monotonic() + seconds
        while not self._is_leaving and (left := until - time.monotonic()) > 0:
            if select.select([self._woken], [], [], left)[0]:
                os.read(self._woken, 512)

    def _note(self, number: int, _: object) -> None:
        if number in ASKED_TO_END:
            self._is_leaving = True

    def _run_worker(self) -> tuple[int, float]:
        """The worker's exit status, or its signal as a negative number, and for how many seconds it served."""
        own, its = socket.socketpair()
        with own:
            with its:
                socket.send_fds(own, [b"%d %s" % (self._restarts, self._told)], self._sockets)
                os.set_inheritable(its.fileno(), True)
                told = {**os.environ, LINK: str(its.fileno())}
                try:
                    worker = os.posix_spawn(self._command[0], self._command, told)
                except OSError as error:  # as where no more processes are allowed, for now perhaps
                    _say(f"no worker can be started: {error.strerror}")
                    return 1, 0.0
            return self._wait_for(worker, own)

    def _wait_for(self, worker: int, link: socket.socket) -> tuple[int, float]:
        since, is_asked, is_killed, watched = None, False, False, [self._woken, link.fileno()]
        while True:
            if self._is_leaving and not is_asked:
                # The worker alone holds them from now on, so that they close when it takes no more requests.
                self._give_up_sockets()
                os.kill(worker, signal.SIGTERM)
                is_asked = True
            status = _status_of(worker)
            if status is not None:
                return status, 0.0 if since is None else time.monotonic() - since
            ready, _, _ = select.select(watched, [], [], self._memory.seconds_to_look())
            if not ready and not is_killed and self._memory.is_short():
                _say("the container's memory is nearly used up, and all of it would be ended: the worker is")
                os.kill(worker, signal.SIGKILL)
                is_killed = True  # what it had is freed a while after
            if self._woken in ready:
                os.read(self._woken, 512)
            if link.fileno() in ready:  # once: there is nothing more to be heard, but that it ends
                watched = [self._woken]
                since = time.monotonic() if self._take_sockets(link) else None

    def _take_sockets(self, link: socket.socket) -> bool:
        """Keeps the sockets of the first worker that serves. Whether one said that it does."""
        try:
            told, sockets, _, _ = socket.recv_fds(link, 64, MAX_SOCKETS)
        except ConnectionResetError:  # it ended before it had read what it was told
            return False
        for each in sockets:
            os.set_inheritable(each, False)  # else the next worker would hold them twice, and never close the second
        if self._sockets or self._is_leaving:
            for each in sockets:
                os.close(each)
        else:
            self._sockets, self._told = sockets, told
        return bool(told)

    def _give_up_sockets(self) -> None:
        for each in self._sockets:
            os.close(each)
        self._sockets = []


def _status_of(worker: int) -> int | None:
    """How the worker ended, None while it runs. As the first process of a container the parent gets others' orphans."""
    while True:
        ended, status = os.waitpid(-1, os.WNOHANG)
        if not ended:
            return None
        if ended == worker:
            return os.waitstatus_to_exitcode(status)


def _say(what: str) -> None:
    print(what, file=sys.stderr, flush=True)


def main() -> int:
    """Runs this process' own command again as a worker, until it is asked to end. Gives the exit status."""
    return Parent([sys.executable, *sys.orig_argv[1:]], Memory()).run()
