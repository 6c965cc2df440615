"""kubectl earlystop approve and reject: a person's answer to a decision that waits."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from dataclasses import dataclass

from earlystop.api.values import bounded
from earlystop.api.wire import API_VERSION
from earlystop.cli.connection import connected, explained, namespace_of
from earlystop.cli.manual_plan import Refused, named, state_of
from earlystop.cli.submit import read, wait, whoami
from earlystop.cli.terminal import confirm, say
from earlystop.controller.cluster_errors import ClusterError
from earlystop.controller.resources import APPROVALS, Manifest
from earlystop.rollout.waiting.approval_words import proposal_sentence
from earlystop.rollout.waiting.gates import awaits_gates_alone

APPROVE, REJECT = "Approve", "Reject"
LONGEST_NAME = 253
LONGEST_COMMENT = 256


def answer_decision(
    answer: str,
    *,
    policy: str,
    namespace: str | None,
    context: str | None,
    comment: str,
    yes: bool,
    wait_for_it: bool,
    timeout: float,
) -> None:
    """Agree to the decision that waits, or reject it. answer: `APPROVE` or `REJECT`. timeout: seconds. Raises
    CommandFailure."""
    where = namespace_of(namespace, context)
    asyncio.run(_answer(where, policy, context, answer, comment, not yes, timeout if wait_for_it else None))


@dataclass(frozen=True, slots=True)
class Question:
    """What a person is asked.

    sentence: what is proposed, with its intervals. digest: of the decision. is_over: whether a status shows that it
    waits no more.
    """

    sentence: str
    digest: str
    is_over: Callable[[Manifest], bool]


def question_of(policy: Manifest, answer: str = APPROVE) -> Question:
    """What a policy asks people. Raises Refused when nothing waits, and for an approval that nobody asks for. What
    waits for gates alone can be rejected all the same."""
    state, awaiting = state_of(policy), policy.get("status", {}).get("awaiting") or {}
    if state.awaiting is None:
        mode = policy["spec"].get("approval", {}).get("mode", "Never")
        why = "; its approval.mode is Never, so it asks nobody" if mode == "Never" else ""
        raise Refused(f"{named(policy)} has no decision that waits{why}. Nothing was answered.")
    gates_alone = awaits_gates_alone(state.gates)
    if gates_alone and answer == APPROVE:
        command = f"kubectl earlystop status {policy['metadata']['name']} -n {policy['metadata']['namespace']}"
        raise Refused(
            f"{named(policy)} waits for its gates and asks nobody; `{command}` shows how they stand. Nothing was "
            "answered."
        )
    digest, ends = str(awaiting["digest"]), awaiting.get("expiresAt")
    whom, until = " for its gates" * gates_alone, f" until {ends}" if ends else ", as long as they take"
    sentence = f"{proposal_sentence(state)} It waits{whom}{until}."
    return Question(sentence, digest, lambda status: (status.get("awaiting") or {}).get("digest") != digest)


def approval_of(policy: Manifest, digest: str, answer: str, who: str, comment: str, token: str) -> Manifest:
    """The EarlyStopApproval with a person's answer; it goes with the policy. token: any text that was not used before,
    for its name."""
    metadata = policy["metadata"]
    name = f"{bounded(metadata['name'], LONGEST_NAME - len(token) - 1)}-{token}"
    owner = {"apiVersion": API_VERSION, "kind": "EarlyStopPolicy", "name": metadata["name"], "uid": metadata["uid"]}
    return {
        "apiVersion": API_VERSION,
        "kind": "EarlyStopApproval",
        "metadata": {"name": name, "namespace": metadata["namespace"], "ownerReferences": [owner]},
        "spec": {
            "policy": metadata["name"],
            "policyUid": metadata["uid"],
            "decisionDigest": digest,
            "answer": answer,
            "by": who,
            **({"comment": comment} if comment else {}),
        },
    }


async def _answer(
    namespace: str, name: str, context: str | None, answer: str, comment: str, ask_first: bool, seconds: float | None
) -> None:
    """Ask the person, and store the answer. Raises CommandFailure when it cannot be."""
    if len(comment) > LONGEST_COMMENT:
        raise Refused(
            f"--comment has {len(comment)} characters; write {LONGEST_COMMENT} at most. Nothing was answered."
        )
    async with connected(context) as cluster:
        policy = await read(cluster, namespace, name)
        question = question_of(policy, answer)
        say(question.sentence)
        if ask_first:
            confirm(f"{answer} this for {namespace}/{name}?")
        who = await whoami(cluster)
        if who is None:
            raise Refused("The API server does not say who you are, so nobody could answer in your name.")
        approval = approval_of(policy, question.digest, answer, who, comment, secrets.token_hex(5))
        try:
            await cluster.create(APPROVALS, namespace, approval)
        except ClusterError as error:
            raise Refused(explained(error, "create", namespace, APPROVALS)) from None
        done = "Approved" if answer == APPROVE else "Rejected"
        say(f"{done} by {who}: EarlyStopApproval {approval['metadata']['name']}.")
        if seconds is not None:
            found = await wait(cluster, policy, question.is_over, seconds)
            say(f"Done: {namespace}/{name} is {found['status']['phase']}.")
