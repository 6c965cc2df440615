"""kubectl earlystop savings: what policies have saved, in tokens and money, as far as looks counted it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import typer
from pydantic import ValidationError
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from earlystop.api.policy import PolicySpec
from earlystop.api.source import SourceSpec
from earlystop.api.status.compact import whole
from earlystop.api.status.policy import PolicyStatus
from earlystop.cli.connection import list_objects, namespace_of, read_object
from earlystop.cli.failure import CommandFailure
from earlystop.cli.options import Form
from earlystop.cli.terminal import FirstThatFits, console, printable, say
from earlystop.controller.resources import POLICIES, SOURCES, Manifest
from earlystop.rollout.formatting import in_count, rfc3339
from earlystop.rollout.phases import ENDED
from earlystop.rollout.savings.ledger import SavingsLedger, Sums
from earlystop.rollout.savings.price import Money, net_tokens, price_of, worth_of
from earlystop.rollout.stored.savings_codec import restore_savings

HEADINGS = ("POLICY", "SAVED", "GOLDEN", "SHADOWS", "LOST", "NET", "WORTH", "A REQUEST", "COUNTED UNTIL")


@dataclass(frozen=True, slots=True)
class PolicySavings:
    """One policy's savings. net: tokens. worth: of the net tokens, None without a price. is_over: whether no look
    follows, so that what is served since then is not counted."""

    namespace: str
    name: str
    ledger: SavingsLedger
    net: int
    worth: Money | None
    shadows_cost: bool
    is_over: bool

    @property
    def sums(self) -> Sums:
        """The sums of tokens that the ledger of savings has booked."""
        return self.ledger.sums


def show_savings(
    policy: str | None,
    namespace: str | None,
    context: str | None,
    everywhere: bool,
    output: Form,
) -> None:
    """Print what policies have saved. Raises CommandFailure."""
    if policy is not None and everywhere:
        raise typer.BadParameter("Name a policy, or write --all-namespaces, not both")
    policies, sources, unread = asyncio.run(_read(policy, namespace, context, everywhere))
    found, left_out = _readable(policies, sources)
    unread += left_out
    if output is Form.JSON:
        typer.echo(json.dumps(as_json(found), indent=2))
        for sentence in unread:
            typer.echo(sentence, err=True)
        return
    if not found:
        for sentence in ("No look has counted any tokens of these policies yet.", *unread):
            say(sentence)
        return
    console().print(screen_of(found))
    for sentence in (*sentences(found), *unread):
        say(sentence)


async def _read(
    policy: str | None, namespace: str | None, context: str | None, everywhere: bool
) -> tuple[list[Manifest], list[Manifest], list[str]]:
    """The policies and the MetricSources, and a sentence where the latter may not be read. Raises CommandFailure."""
    if policy is not None:
        policies = [await read_object(POLICIES, namespace, context, policy)]
    else:
        policies = await list_objects(POLICIES, None if everywhere else namespace_of(namespace, context), context)
    if all(_own_price(each) for each in policies):
        return policies, [], []
    try:
        return policies, await list_objects(SOURCES, None, context), []
    except CommandFailure as failure:
        return policies, [], [f"Prices of MetricSources are not known. {failure}"]


def _readable(policies: Sequence[Manifest], sources: Sequence[Manifest]) -> tuple[list[PolicySavings], list[str]]:
    """What the policies have saved, and a sentence for each that cannot be read. Raises CommandFailure where none can:
    of one that was named, and of a namespace that another release writes, there is nothing else to show."""
    found: list[PolicySavings] = []
    failures: list[CommandFailure] = []
    for manifest in policies:
        try:
            each = savings_of(manifest, sources)
        except CommandFailure as failure:
            failures.append(failure)
        else:
            found += [] if each is None else [each]
    if failures and len(failures) == len(policies):
        raise failures[0]
    return found, [f"Left out: {failure}" for failure in failures]


def _own_price(policy: Manifest) -> bool:
    return bool((policy.get("spec", {}).get("savings") or {}).get("price"))


def savings_of(policy: Manifest, sources: Sequence[Manifest]) -> PolicySavings | None:
    """What a policy has saved; None before anything was counted. Raises CommandFailure for one that another release
    wrote."""
    place = policy["metadata"]["namespace"], policy["metadata"]["name"]
    try:
        spec = PolicySpec.model_validate(policy["spec"])
        status = PolicyStatus.model_validate({"savings": whole(policy.get("status", {})).get("savings")})
        ledger = restore_savings(status.savings)
    except ValueError:
        raise CommandFailure(
            f"{'/'.join(place)} is not of a form that this release can read; the operator may be of another."
        ) from None
    if ledger is None:
        return None
    price = price_of(spec, _source_of(spec, sources))
    net = net_tokens(spec, ledger.sums)
    worth = None if price is None else worth_of(net, price)
    status = policy.get("status", {})
    is_over = "nextLookAt" not in status and status.get("phase") in ENDED  # a guard goes on looking
    return PolicySavings(*place, ledger, net, worth, spec.savings.shadows == "Generated", is_over)


def _source_of(spec: PolicySpec, sources: Sequence[Manifest]) -> SourceSpec | None:
    """The MetricSource of a policy, where it is known and can be read."""
    name = spec.metrics.source_ref.name
    found = next((each for each in sources if each["metadata"]["name"] == name), None)
    try:
        return None if found is None else SourceSpec.model_validate(found["spec"])
    except ValidationError:
        return None


def screen_of(found: Sequence[PolicySavings]) -> RenderableType:
    """A line for each policy and one for all of them; a block for each where lines would be too long."""
    rows = [_cells(each) for each in sorted(found, key=lambda one: (one.namespace, one.name))]
    rows += [_all_of(found)] if len(found) > 1 else []
    table = Table(box=None, padding=(0, 2, 0, 0))
    for heading in HEADINGS:
        table.add_column(heading, justify="left" if heading in (HEADINGS[0], HEADINGS[-1]) else "right", no_wrap=True)
    for row in rows:
        table.add_row(*map(printable, row))
    return FirstThatFits(table, Group(*map(_block, rows)))


def _block(row: Sequence[str]) -> RenderableType:
    table = Table.grid(padding=(0, 2))
    for name, value in zip(HEADINGS[1:], row[1:], strict=True):
        if value:
            table.add_row(f"  {name.lower()}", printable(value))
    return Group(Text(printable(row[0]), style="bold", overflow="fold"), table)


def _cells(each: PolicySavings) -> tuple[str, ...]:
    a_request = each.ledger.saved_a_request
    return (
        f"{each.namespace}/{each.name}",
        *_amounts([each]),
        in_count(each.net),
        "-" if each.worth is None else str(each.worth),
        "-" if a_request is None else f"{a_request:,.1f}",
        rfc3339(each.ledger.until),
    )


def _all_of(found: Sequence[PolicySavings]) -> tuple[str, ...]:
    worth = ", ".join(map(str, by_currency(found))) or "-"
    return "all", *_amounts(found), in_count(sum(each.net for each in found)), worth, "", ""


def _amounts(found: Sequence[PolicySavings]) -> tuple[str, ...]:
    """Saved tokens, and what is taken off them."""
    shadows = sum(each.sums.shadows for each in found if each.shadows_cost)
    sums = [each.sums for each in found]
    amounts = (
        sum(each.saved for each in sums),
        -sum(each.golden for each in sums),
        -shadows,
        -sum(each.lost for each in sums),
    )
    return tuple(map(in_count, amounts))


def by_currency(found: Sequence[PolicySavings]) -> tuple[Money, ...]:
    """What all are worth together, apart for each currency: nobody here knows a rate of exchange."""
    sums: dict[str, Decimal] = {}
    for each in found:
        if each.worth is not None:
            sums[each.worth.currency] = sums.get(each.worth.currency, Decimal(0)) + each.worth.amount
    return tuple(Money(amount, currency) for currency, amount in sorted(sums.items()))


def sentences(found: Sequence[PolicySavings]) -> tuple[str, ...]:
    """Sentences on what the numbers leave out, for the foot of the table."""
    told = [
        "Only requests that looks have seen are counted, each against the baseline's mean length in the same step. "
        "NET is SAVED without golden questions, shadows that are generated, and requests that failed beyond the "
        "baseline's rate."
    ]
    over = [f"{each.namespace}/{each.name}" for each in found if each.is_over]
    if over:
        told.append(
            f"The campaigns of {_some(over)} are over, and no look counts what is served since the moment shown. To "
            "estimate that, multiply A REQUEST, what each request saved in the last step, by the requests since then."
        )
    doubtful = [f"{each.namespace}/{each.name}" for each in found if each.sums.doubtful]
    if doubtful:
        told.append(
            f"The counters of {_some(doubtful)} have contradicted each other, as by more golden answers than answers: "
            "their counts were cut to what can be. See which processes export earlystop_ series with the policy's "
            "labels, and stop the one that is no server, injector or evaluator of yours."
        )
    if any(each.worth is None for each in found):
        told.append("Without WORTH there is no price: write savings.price in the policy, or price in its MetricSource.")
    return tuple(told)


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def as_json(found: Sequence[PolicySavings]) -> Mapping[str, Any]:
    """All of it, for programs. Tokens are whole numbers, money a decimal as text."""
    return {
        "policies": [
            {
                "namespace": each.namespace,
                "name": each.name,
                "requests": each.sums.requests,
                "tokens": each.sums.tokens,
                "savedTokens": each.sums.saved,
                "goldenTokens": each.sums.golden,
                "shadowTokens": each.sums.shadows,
                "lostTokens": each.sums.lost,
                "doubtfulSteps": each.sums.doubtful,
                "netTokens": each.net,
                "savedTokensARequest": each.ledger.saved_a_request,
                "worth": None if each.worth is None else str(each.worth.amount),
                "currency": None if each.worth is None else each.worth.currency,
                "since": rfc3339(each.ledger.since),
                "until": rfc3339(each.ledger.until),
                "isCounting": not each.is_over,
            }
            for each in found
        ],
        "netTokens": sum(each.net for each in found),
        "worth": {each.currency: str(each.amount) for each in by_currency(found)},
    }
