"""kubectl earlystop pause, resume, abort, retry and promote: what a person may ask of a rollout, signed."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime

from earlystop.cli import manual_plan
from earlystop.cli.connection import connected, namespace_of
from earlystop.cli.manual_plan import ManualPlan, waiting_requests
from earlystop.cli.recorded import with_recorded_looks
from earlystop.cli.submit import read, submit, wait
from earlystop.cli.terminal import confirm, say
from earlystop.controller.resources import Manifest


def pause(policy: str, namespace: str | None, context: str | None, wait_for_it: bool, timeout: float) -> None:
    """Ask that a rollout be frozen. timeout: seconds. Raises CommandFailure."""
    _run(policy, namespace, context, manual_plan.pause, timeout if wait_for_it else None)


def resume(policy: str, namespace: str | None, context: str | None, wait_for_it: bool, timeout: float) -> None:
    """Ask that a paused rollout go on. timeout: seconds. Raises CommandFailure."""
    _run(policy, namespace, context, manual_plan.resume, timeout if wait_for_it else None)


def abort(policy: str, namespace: str | None, context: str | None, wait_for_it: bool, timeout: float) -> None:
    """Ask that all requests go back to the baseline. timeout: seconds. Raises CommandFailure."""
    _run(policy, namespace, context, lambda found: manual_plan.abort(found, _now()), timeout if wait_for_it else None)


def retry(
    *, policy: str, namespace: str | None, context: str | None, yes: bool, wait_for_it: bool, timeout: float
) -> None:
    """Ask for a new campaign. yes: ask nobody first. timeout: seconds. Raises CommandFailure."""
    token = datetime.now(UTC).isoformat()
    limit = timeout if wait_for_it else None
    _run(policy, namespace, context, lambda found: manual_plan.retry(found, token), limit, ask_first=not yes)


def promote(
    *,
    policy: str,
    namespace: str | None,
    context: str | None,
    candidate: str | None,
    yes: bool,
    wait_for_it: bool,
    timeout: float,
) -> None:
    """Ask that the candidate get all requests. yes: ask nobody first. timeout: seconds. Raises CommandFailure."""
    limit = timeout if wait_for_it else None
    _run(
        policy,
        namespace,
        context,
        lambda found: manual_plan.promote(found, candidate, _now()),
        limit,
        ask_first=not yes,
    )


def _run(
    name: str,
    namespace: str | None,
    context: str | None,
    plan: Callable[[Manifest], ManualPlan],
    seconds: float | None,
    ask_first: bool = False,
) -> None:
    """Ask for what `plan` makes of the policy. ask_first: whether a person is asked where a plan has a question. Raises
    CommandFailure when it cannot be, and typer.Exit for any other answer than yes."""
    asyncio.run(_ask(name, namespace_of(namespace, context), context, plan, seconds, ask_first))


async def _ask(
    name: str,
    namespace: str,
    context: str | None,
    plan: Callable[[Manifest], ManualPlan],
    seconds: float | None,
    ask_first: bool,
) -> None:
    async with connected(context) as cluster:
        policy = await read(cluster, namespace, name)
        planned = plan(await with_recorded_looks(cluster, policy))
        if planned.changes is None:
            say(planned.sentence)
            return
        if ask_first and planned.question:
            for each in planned.told:
                say(each)
            confirm(planned.question)
        for other in waiting_requests(policy, planned.verb):
            say(str(other), is_problem=True)
        who = await submit(cluster, policy, planned)
        signature = f" Signed by {who}." if who else " It is not signed: the API server does not say who you are."
        say(planned.sentence + signature)
        if seconds is not None and planned.reached is not None:
            found = await wait(cluster, policy, planned.reached, seconds)
            say(f"Done: {namespace}/{name} is {found['status']['phase']}.")


def _now() -> int:
    return int(time.time())
