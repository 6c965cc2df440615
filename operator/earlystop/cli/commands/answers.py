"""kubectl earlystop approve and reject: a person's answer to a decision that waits. Options and help alone."""

from __future__ import annotations

from typing import Annotated

import typer

from earlystop.cli.options import (
    Context,
    Namespace,
    PolicyName,
    Timeout,
    Yes,
)

Comment = Annotated[str, typer.Option("--comment", "-m", help="Why, for the record; at most 256 characters.")]
WaitForDecision = Annotated[bool, typer.Option("--wait", help="Return only when the decision waits no more.")]


def approve(
    policy: PolicyName,
    namespace: Namespace = None,
    context: Context = None,
    comment: Comment = "",
    yes: Yes = False,
    wait_for_it: WaitForDecision = False,
    timeout: Timeout = 60.0,
) -> None:
    """Agree to the decision that waits; it is carried out if the evidence still asks for it."""
    from earlystop.cli.approve import APPROVE, answer_decision

    answer_decision(
        APPROVE,
        policy=policy,
        namespace=namespace,
        context=context,
        comment=comment,
        yes=yes,
        wait_for_it=wait_for_it,
        timeout=timeout,
    )


def reject(
    policy: PolicyName,
    namespace: Namespace = None,
    context: Context = None,
    comment: Comment = "",
    yes: Yes = False,
    wait_for_it: WaitForDecision = False,
    timeout: Timeout = 60.0,
) -> None:
    """Reject the decision that waits: its candidate gets no more requests."""
    from earlystop.cli.approve import REJECT, answer_decision

    answer_decision(
        REJECT,
        policy=policy,
        namespace=namespace,
        context=context,
        comment=comment,
        yes=yes,
        wait_for_it=wait_for_it,
        timeout=timeout,
    )
