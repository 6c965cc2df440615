"""The desired traffic: which percent of requests each variant gets, with which settings."""

from __future__ import annotations

from dataclasses import dataclass, field

from earlystop.api.wire import INCUMBENT


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
class ClassRule:
    """What requests of one query class get: those with this value of a header. variant: a label of the split's."""

    header: str
    value: str
    variant: str


@dataclass(frozen=True, slots=True)
class TrafficSplit:
    """What shall be in force: the campaign's revision, its step, and what each variant gets.

    variants: the baseline first, then the incumbent of a search where there is one (labelled `api.wire.INCUMBENT`),
        then every candidate of the campaign in constant order, dropped ones with weight 0.
    token: the campaign's secret, by which servers know requests that came by the overlay; "" for a campaign without
    one. It follows from the revision, so it tells no two splits apart, and no repr holds it.
    promoted: the variant that was promoted, "" before that. A probe's nonce does not follow from it.
    classes: of requests with settings of their own, in the order in which they are asked for; none where weights say
    it all. With classes the weights are those of all other requests.
    Raises ValueError unless weights lie in 0..100 and sum to 100, and where an incumbent stands anywhere but there.
    """

    revision: str
    step: int
    variants: tuple[VariantWeight, ...]
    shadows: tuple[ShadowSetting, ...] = ()
    token: str = field(default="", repr=False, compare=False)
    promoted: str = field(default="", repr=False)
    classes: tuple[ClassRule, ...] = field(default=(), repr=False)

    def __post_init__(self) -> None:
        if sum(self.weights) != 100 or not all(0 <= weight <= 100 for weight in self.weights):
            raise ValueError(f"weights {self.weights} must lie in 0..100 and sum to 100")
        elsewhere = [*self.variants[:1], *self.candidates]
        if INCUMBENT in {*(each.variant for each in elsewhere), *(each.variant for each in self.shadows)}:
            raise ValueError(f"{INCUMBENT} stands once among the variants, after the baseline, and in no shadow")

    @property
    def baseline(self) -> VariantWeight:
        """The baseline's weight."""
        return self.variants[0]

    @property
    def incumbent(self) -> VariantWeight | None:
        """Of a search, the best setting that is certified so far: it serves while another one is tried, and is not
        compared again. None where there is none."""
        return next((each for each in self.variants[1:2] if each.variant == INCUMBENT), None)

    @property
    def candidates(self) -> tuple[VariantWeight, ...]:
        """The candidates' weights, in constant order."""
        return self.variants[1:] if self.incumbent is None else self.variants[2:]

    @property
    def weights(self) -> tuple[int, ...]:
        """Percent of each variant, the baseline first."""
        return tuple(each.weight for each in self.variants)

    @property
    def candidate_weight(self) -> int:
        """Percent of requests that get any candidate."""
        return sum(each.weight for each in self.candidates)

    @property
    def weight_beside_baseline(self) -> int:
        """Percent of requests that get any variant but the baseline."""
        return sum(self.weights[1:])

    @property
    def gives_candidates(self) -> bool:
        """Whether any candidate gets requests: a share of all, or those of a class."""
        return self.candidate_weight > 0 or any(each.variant != self.baseline.variant for each in self.classes)

    @property
    def gives_others(self) -> bool:
        """Whether any variant but the baseline gets requests."""
        return self.weight_beside_baseline > 0 or self.gives_candidates

    @property
    def is_more_than_baseline(self) -> bool:
        """Whether any variant but the baseline gets requests, or is judged on the baseline's."""
        return self.gives_others or bool(self.shadows)

    @property
    def in_use(self) -> frozenset[str]:
        """The variants that get requests."""
        return frozenset(each.variant for each in self.variants if each.weight > 0)
