"""kubectl earlystop: what a policy is doing, and whether a verdict can be recomputed."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated, Any

import typer
import yaml
from rich.console import Console
from rich.live import Live

from earlystop.api.wire import POLICY_UID_LABEL
from earlystop.cli import counts, judge, manual, plan, simulate
from earlystop.cli.connection import Context, Namespace, PolicyName, connect, namespace_of
from earlystop.cli.screen import picture
from earlystop.controller.cluster import POLICIES, VERDICTS, ClusterError, Resource
from earlystop.rollout import state
from earlystop.rollout.verify import chain_differences, object_differences

app = typer.Typer(no_args_is_help=True, help="Early-stop rollouts: what they do, and why they decided as they did.")
app.command("counts")(counts.command)
app.command("judge")(judge.command)
app.command("plan")(plan.command)
app.command("simulate")(simulate.command)
for verb in (manual.pause, manual.resume, manual.abort, manual.retry, manual.promote):
    app.command()(verb)
console = Console()

ENDED = frozenset(phase.value for phase in state.ENDED)


@app.command()
def status(policy: PolicyName, namespace: Namespace = None, context: Context = None) -> None:
    """Show where a policy stands."""
    console.print(picture(asyncio.run(_read(POLICIES, namespace, context, policy))))


@app.command()
def watch(
    policy: PolicyName,
    namespace: Namespace = None,
    context: Context = None,
    seconds: Annotated[float, typer.Option(help="Time between two readings.")] = 1.0,
) -> None:
    """Show a policy live until its rollout ends."""
    asyncio.run(_watch(namespace, context, policy, seconds))


@app.command()
def verify(
    verdict: Annotated[str, typer.Argument(help="Name of an EarlyStopVerdict, or a YAML or JSON file of one.")],
    namespace: Namespace = None,
    context: Context = None,
) -> None:
    """Recompute a stored verdict from its looks, follow the verdicts before it, and say where it differs."""
    path = Path(verdict)
    if path.exists():
        found = yaml.safe_load(path.read_text())
    else:
        found = asyncio.run(_read(VERDICTS, namespace, context, verdict))
    try:
        told = object_differences(found)
        if not path.exists():
            told += chain_differences(found, asyncio.run(_verdicts_beside(found, context)))
    except (ValueError, KeyError, TypeError) as error:
        raise typer.BadParameter(f"{verdict} is not an EarlyStopVerdict: {error}") from None
    for sentence in told:
        console.print(sentence, style="red")
    if told:
        raise typer.Exit(1)
    spec, looks = found["spec"], len(found["spec"]["looks"])
    if spec.get("requestedBy"):
        asked = f"{spec['decision']} of {spec['candidate']} was asked for by {spec['requestedBy']}; its {looks} looks,"
        console.print(f"{asked} e-values and digest are right.", style="green", markup=False)
        return
    console.print(f"{spec['decision']} of {spec['candidate']} follows from its {looks} looks.", style="green")


async def _read(resource: Resource, namespace: str | None, context: str | None, name: str) -> dict[str, Any]:
    namespace = namespace_of(namespace, context)
    try:
        async with await connect(context) as cluster:
            found = await cluster.get(resource, namespace, name)
    except ClusterError as error:
        raise typer.BadParameter(str(error)) from None
    if found is None:
        raise typer.BadParameter(f"there is no {resource.plural} {name} in namespace {namespace}")
    return found


async def _verdicts_beside(verdict: dict[str, Any], context: str | None) -> list[dict[str, Any]]:
    """All verdicts of the policy that this one is about."""
    label = f"{POLICY_UID_LABEL}={verdict['spec']['policyUid']}"
    try:
        async with await connect(context) as cluster:
            return await cluster.list(VERDICTS, verdict["metadata"]["namespace"], label)
    except ClusterError as error:
        raise typer.BadParameter(str(error)) from None


async def _watch(namespace: str | None, context: str | None, name: str, seconds: float) -> None:
    with Live(picture(await _read(POLICIES, namespace, context, name)), console=console, auto_refresh=False) as live:
        phase = None
        while phase not in ENDED:
            await asyncio.sleep(seconds)
            policy = await _read(POLICIES, namespace, context, name)
            live.update(picture(policy), refresh=True)
            phase = policy.get("status", {}).get("phase")


if __name__ == "__main__":
    app()
