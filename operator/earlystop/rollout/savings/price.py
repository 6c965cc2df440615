"""What saved tokens are worth, at the price as it is written now. Exact decimals: money is no float."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from earlystop.api.policy import PolicySpec
from earlystop.api.savings import Price
from earlystop.api.source import SourceSpec
from earlystop.rollout.savings.ledger import Sums


@dataclass(frozen=True, slots=True)
class Money:
    """An amount of a currency, by its code of three letters."""

    amount: Decimal
    currency: str

    def __str__(self) -> str:
        """As people read it, with cents: "1,234.50 EUR"."""
        return f"{self.amount:,.2f} {self.currency}"


def price_of(spec: PolicySpec, source: SourceSpec | None) -> Price | None:
    """The policy's own price, else that of its MetricSource; None without one."""
    return spec.savings.price or (None if source is None else source.price)


def net_tokens(spec: PolicySpec, sums: Sums) -> int:
    """What is left of the saved tokens when golden questions, lost requests and generated shadows are paid."""
    return sums.net(shadows_cost=spec.savings.shadows == "Generated")


def worth_of(tokens: int, price: Price) -> Money:
    """What so many tokens cost; below 0 for tokens below 0."""
    return Money(tokens * Decimal(price.per_million_tokens) / 1_000_000, price.currency)
