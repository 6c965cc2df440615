"""What waits to be told to each hook of a policy. It is stored in one write with the state that it follows from, so a
crash neither loses nor adds anything; its size is bounded.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from earlystop.api.hooks import Hook
from earlystop.rollout.hooks.occurrence import Occurrence

MOST_WAITING = 8
"""Occurrences that are kept for receivers that do not answer."""
LONGEST_PROBLEM = 96
CROWDED_OUT = f"more than {MOST_WAITING} occurrences waited to be told, and this is the oldest"


class JobResult(StrEnum):
    """How a Job has ended, or that it has not."""

    RUNNING = "Running"
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"


@dataclass(frozen=True, slots=True)
class HookJob:
    """The latest Job of a hook. number: of the occurrence that it was made for. name: of the Job. message: why it
    failed, "" where it did not. uid: that the API server gave it, "" where an earlier release made it."""

    number: int
    name: str
    result: JobResult
    message: str = ""
    uid: str = ""


@dataclass(frozen=True, slots=True)
class HookCursor:
    """How far one hook has been told.

    hook: its name. told_to: number of the last occurrence that was told to it, or given up. given_up: how many were
    given up. problem: why that one was given up, "" where it was told. job: the latest Job of a hook that runs some.
    """

    hook: str
    told_to: int
    given_up: int = 0
    problem: str = ""
    job: HookJob | None = None


@dataclass(frozen=True, slots=True)
class Outbox:
    """What there is to tell.

    last: number of the latest occurrence, 0 before the first. failures: campaigns in a row that promoted nothing that
    lasted. failures_before: as many as there were before the latest promotion; an alarm over that brings them back.
    waiting: occurrences that not every hook has been told, by number. cursors: one for each hook of the policy.
    """

    last: int = 0
    failures: int = 0
    waiting: tuple[Occurrence, ...] = ()
    cursors: tuple[HookCursor, ...] = ()
    failures_before: int = 0

    def cursor(self, hook: str) -> HookCursor | None:
        """The cursor of a hook, None where there is no such hook."""
        return next((each for each in self.cursors if each.hook == hook), None)


@dataclass(frozen=True, slots=True)
class Settled:
    """A hook was told of an occurrence, or it was given up. number: of the occurrence. problem: why it was given up, ""
    where the hook was told. job: what was run; while it runs the hook stays where it is."""

    hook: str
    number: int
    problem: str = ""
    job: HookJob | None = None


def following_hooks(outbox: Outbox | None, hooks: Sequence[Hook], settled: Sequence[Settled] = ()) -> Outbox | None:
    """The outbox for the policy's hooks as they are written now, after these occurrences were told or given up.

    A new hook is told what happens from now on. What waits for nobody any more is dropped. Where all hooks are removed,
    the numbers go on: ids of occurrences and names of their Jobs are made of them, and none may come twice.
    """
    if not hooks:
        rest = None if outbox is None or not outbox.last else replace(outbox, waiting=(), cursors=())
        return outbox if rest == outbox else rest
    known = outbox or Outbox()
    cursors = [known.cursor(each.name) or HookCursor(each.name, known.last) for each in hooks]
    moved = tuple(_moved(each, settled) for each in cursors)
    after = replace(known, cursors=moved, waiting=_wanted(known.waiting, hooks, moved))
    return known if outbox is not None and after == known else after


def next_for(outbox: Outbox, hook: Hook) -> Occurrence | None:
    """What a hook is to be told next, None where it has been told all."""
    cursor = outbox.cursor(hook.name)
    if cursor is None:
        return None
    return next((each for each in outbox.waiting if each.number > cursor.told_to and hook.wants(each.kind)), None)


def put(outbox: Outbox, hooks: Sequence[Hook], occurrence: Occurrence) -> Outbox:
    """The outbox with one more occurrence. Where there is no room the oldest goes, and is given up by whom it waits
    for."""
    number = outbox.last + 1
    placed = (*outbox.waiting, replace(occurrence, number=number))
    cursors = outbox.cursors
    if len(placed) > MOST_WAITING:
        oldest, placed = placed[0], placed[1:]
        behind = {each.name for each in hooks if next_for(outbox, each) == oldest}
        crowded_out = [Settled(each, oldest.number, CROWDED_OUT) for each in behind]
        cursors = tuple(_moved(each, crowded_out) for each in cursors)
    return replace(outbox, last=number, cursors=cursors, waiting=_wanted(placed, hooks, cursors))


def _wanted(
    waiting: Sequence[Occurrence], hooks: Sequence[Hook], cursors: Sequence[HookCursor]
) -> tuple[Occurrence, ...]:
    told = {each.hook: each.told_to for each in cursors}
    return tuple(
        each
        for each in waiting
        if any(hook.name in told and each.number > told[hook.name] and hook.wants(each.kind) for hook in hooks)
    )


def _moved(cursor: HookCursor, settled: Sequence[Settled]) -> HookCursor:
    for each in settled:
        if each.hook != cursor.hook or each.number <= cursor.told_to:
            continue
        cursor = replace(cursor, job=each.job or cursor.job)
        if each.job is not None and each.job.result is JobResult.RUNNING:
            continue
        given_up = cursor.given_up + bool(each.problem)
        if cursor.job is not None and cursor.job.result is JobResult.RUNNING:
            cursor = replace(cursor, job=None)  # nobody looks at it any more, so nobody knows how it stands
        cursor = replace(cursor, told_to=each.number, given_up=given_up, problem=each.problem[:LONGEST_PROBLEM])
    return cursor
