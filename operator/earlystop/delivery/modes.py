"""What a delivery mode offers. A mode is one module and one row of `api.modes.MODES`."""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module
from typing import Protocol, cast

from earlystop.api.conditions import Refusal
from earlystop.api.delivery import Delivery
from earlystop.delivery.inputs import ClusterInputs, Manifest, ProbeTarget, TrafficSplit, Trial


class Mode(Protocol):
    """What a mode's module offers. Surroundings are those of one policy, a share is what shall be in force for it."""

    def owned_names(self, policy: str, services: Iterable[str], candidates: Iterable[str], /) -> list[tuple[str, str]]:
        """Kind and name of every object that the mode may own: what `Surroundings.owned` is filled with.

        services: names of the Services that the user's route leads to. candidates: labels of the candidates.
        """

    def unfit(self, inputs: ClusterInputs, split: TrafficSplit, /) -> Refusal | None:
        """Why this mode cannot be used here, beside what holds for every overlay (`preflight`)."""

    def render(self, inputs: ClusterInputs, split: TrafficSplit, /) -> list[Manifest]:
        """The objects that put a share in force, in the order of writing. Expects surroundings without refusal."""

    def trial(self, inputs: ClusterInputs, split: TrafficSplit, /) -> Trial | None:
        """What to put in place and ask before `render` leads users by this mode's rules for the first time; None where
        there is no need or nobody to ask. Expects surroundings without refusal."""

    def shows(self, route: Manifest, delivery: Delivery, split: TrafficSplit, /) -> bool:
        """Whether the last of the rendered objects, as it is found in the cluster, has the share in force."""

    def withdrawn(self, inputs: ClusterInputs, route: Manifest, /) -> Manifest:
        """That object with all requests on the baseline, whatever has become of what it was rendered from."""

    def probes(self, inputs: ClusterInputs, split: TrafficSplit, overlay: Manifest, /) -> list[ProbeTarget]:
        """What to ask through the gateway for proof; empty when nothing can be asked, and metrics must show it."""

    def summary(self, split: TrafficSplit, /) -> str:
        """A sentence about a share that is in force."""


def mode_of(delivery: Delivery) -> Mode:
    """The mode of a policy. Raises LookupError for one that is not built; such a policy is not accepted."""
    module = delivery.traits.module
    if not module:
        raise LookupError(f"delivery.mode {delivery.mode} is not built")
    return cast(Mode, import_module(module))
