"""The desired traffic: which percent of requests each variant gets, with which settings."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class VariantWeight:
    """A variant's percent of requests (0..100), and the value of each parameter for it."""

    variant: str
    weight: int
    settings: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class ShadowSetting:
    """A candidate that the server judges on the baseline's requests, and the value of each parameter for it."""

    variant: str
    settings: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class TrafficSplit:
    """What shall be in force: the campaign's revision, its step, and what each variant gets.

    variants: the baseline first, then every candidate of the campaign in constant order, dropped ones with weight 0.
    token: the campaign's secret, by which servers know requests that came by the overlay; "" for a campaign without
    one. It follows from the revision, so it tells no two splits apart, and no repr holds it.
    promoted: the variant that was promoted, "" before that. A probe's nonce does not follow from it.
    Raises ValueError unless weights lie in 0..100 and sum to 100.
    """

    revision: str
    step: int
    variants: tuple[VariantWeight, ...]
    shadows: tuple[ShadowSetting, ...] = ()
    token: str = field(default="", repr=False, compare=False)
    promoted: str = field(default="", repr=False)

    def __post_init__(self) -> None:
        if sum(self.weights) != 100 or not all(0 <= weight <= 100 for weight in self.weights):
            raise ValueError(f"weights {self.weights} must lie in 0..100 and sum to 100")

    @property
    def baseline(self) -> VariantWeight:
        """The baseline's weight."""
        return self.variants[0]

    @property
    def candidates(self) -> tuple[VariantWeight, ...]:
        """The candidates' weights, in constant order."""
        return self.variants[1:]

    @property
    def weights(self) -> tuple[int, ...]:
        """Percent of each variant, the baseline first."""
        return tuple(each.weight for each in self.variants)

    @property
    def candidate_weight(self) -> int:
        """Percent of requests that get any candidate."""
        return sum(self.weights[1:])

    @property
    def tries_candidates(self) -> bool:
        """Whether any candidate gets requests, or is judged on the baseline's."""
        return self.candidate_weight > 0 or bool(self.shadows)

    @property
    def in_use(self) -> frozenset[str]:
        """The variants that get requests."""
        return frozenset(each.variant for each in self.variants if each.weight > 0)
