"""kubectl earlystop pause, resume, promote, abort and retry: what people ask of it. Options and help alone."""

from __future__ import annotations

from typing import Annotated

import typer

from earlystop.cli.options import (
    Context,
    Namespace,
    PolicyName,
    Timeout,
    Wait,
    Yes,
)

CandidateName = Annotated[str | None, typer.Option(help="Which candidate, where the policy has several.")]


def pause(
    policy: PolicyName,
    namespace: Namespace = None,
    context: Context = None,
    wait_for_it: Wait = False,
    timeout: Timeout = 60.0,
) -> None:
    """Freeze a rollout: weights stay as they are, nothing is counted."""
    from earlystop.cli.manual import pause as carried_out

    carried_out(policy, namespace, context, wait_for_it, timeout)


def resume(
    policy: PolicyName,
    namespace: Namespace = None,
    context: Context = None,
    wait_for_it: Wait = False,
    timeout: Timeout = 60.0,
) -> None:
    """Let a paused rollout go on."""
    from earlystop.cli.manual import resume as carried_out

    carried_out(policy, namespace, context, wait_for_it, timeout)


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
    from earlystop.cli.manual import promote as carried_out

    carried_out(
        policy=policy,
        namespace=namespace,
        context=context,
        candidate=candidate,
        yes=yes,
        wait_for_it=wait_for_it,
        timeout=timeout,
    )


def abort(
    policy: PolicyName,
    namespace: Namespace = None,
    context: Context = None,
    wait_for_it: Wait = False,
    timeout: Timeout = 60.0,
) -> None:
    """Give all requests back to the baseline, also after a promotion. The verdict says who asked."""
    from earlystop.cli.manual import abort as carried_out

    carried_out(policy, namespace, context, wait_for_it, timeout)


def retry(
    policy: PolicyName,
    namespace: Namespace = None,
    context: Context = None,
    yes: Yes = False,
    wait_for_it: Wait = False,
    timeout: Timeout = 60.0,
) -> None:
    """Start a new campaign; nothing counted before counts again. Asks first where one is under way, or was promoted."""
    from earlystop.cli.manual import retry as carried_out

    carried_out(policy=policy, namespace=namespace, context=context, yes=yes, wait_for_it=wait_for_it, timeout=timeout)
