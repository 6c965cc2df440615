"""kubectl earlystop pause, resume, abort, retry and promote: what a person may ask of a rollout, signed."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from earlystop.cli.connection import Context, Namespace, PolicyName, connected, namespace_of
from earlystop.cli.options import Timeout, Wait, Yes
from earlystop.cli.terminal import confirm, say
from earlystop.controller.resources import Manifest

if TYPE_CHECKING:
    from earlystop.cli.manual_plan import ManualPlan

CandidateName = Annotated[str | None, typer.Option(help="Which candidate, where the policy has several.")]


def pause(
    policy: PolicyName,
    namespace: Namespace = None,
    context: Context = None,
    wait_for_it: Wait = False,
    timeout: Timeout = 60.0,
) -> None:
    """Freeze a rollout: weights stay as they are, nothing is counted."""
    from earlystop.cli import manual_plan  # in each, since it takes all that a status holds, which the help does not

    _run(policy, namespace, context, manual_plan.pause, timeout if wait_for_it else None)


def resume(
    policy: PolicyName,
    namespace: Namespace = None,
    context: Context = None,
    wait_for_it: Wait = False,
    timeout: Timeout = 60.0,
) -> None:
    """Let a paused rollout go on."""
    from earlystop.cli import manual_plan

    _run(policy, namespace, context, manual_plan.resume, timeout if wait_for_it else None)


def abort(
    policy: PolicyName,
    namespace: Namespace = None,
    context: Context = None,
    wait_for_it: Wait = False,
    timeout: Timeout = 60.0,
) -> None:
    """Give all requests back to the baseline, also after a promotion. The verdict says who asked."""
    from earlystop.cli import manual_plan

    _run(policy, namespace, context, lambda found: manual_plan.abort(found, _now()), timeout if wait_for_it else None)


def retry(
    policy: PolicyName,
    namespace: Namespace = None,
    context: Context = None,
    wait_for_it: Wait = False,
    timeout: Timeout = 60.0,
) -> None:
    """Start a new campaign; nothing counted before counts again."""
    from earlystop.cli import manual_plan

    token = datetime.now(UTC).isoformat()
    _run(policy, namespace, context, lambda found: manual_plan.retry(found, token), timeout if wait_for_it else None)


def promote(
    policy: PolicyName,
    namespace: Namespace = None,
    context: Context = None,
    candidate: CandidateName = None,
    yes: Yes = False,
    wait_for_it: Wait = False,
    timeout: Timeout = 60.0,
) -> None:
    """Give all requests to the candidate now, whatever is proven. The verdict says who asked and what was not."""
    from earlystop.cli import manual_plan

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
    """Ask for what `plan` makes of the policy. Raises CommandFailure when it cannot be."""
    asyncio.run(_ask(name, namespace_of(namespace, context), context, plan, seconds, ask_first))


async def _ask(
    name: str,
    namespace: str,
    context: str | None,
    plan: Callable[[Manifest], ManualPlan],
    seconds: float | None,
    ask_first: bool,
) -> None:
    from earlystop.cli.manual_plan import waiting_requests
    from earlystop.cli.recorded import with_recorded_looks
    from earlystop.cli.submit import read, submit, wait

    async with connected(context) as cluster:
        policy = await read(cluster, namespace, name)
        planned = plan(await with_recorded_looks(cluster, policy))
        if planned.changes is None:
            say(planned.sentence)
            return
        if ask_first:
            _confirm(policy, planned)
        for other in waiting_requests(policy, planned.verb):
            say(str(other), is_problem=True)
        who = await submit(cluster, policy, planned)
        signature = f" Signed by {who}." if who else " It is not signed: the API server does not say who you are."
        say(planned.sentence + signature)
        if seconds is not None and planned.reached is not None:
            found = await wait(cluster, policy, planned.reached, seconds)
            say(f"Done: {namespace}/{name} is {found['status']['phase']}.")


def _confirm(policy: Manifest, planned: ManualPlan) -> None:
    """Raises typer.Exit unless the person, who is told what is not proven, says yes."""
    for doubt in planned.doubts:
        say(f"Not proven: {doubt}.")
    if not planned.doubts:
        say("All claims are proven.")
    confirm(f"Give all requests to the candidate {planned.candidate} of {policy['metadata']['name']} now?")


def _now() -> int:
    return int(time.time())
