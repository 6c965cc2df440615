"""Which file delivers a policy's settings. A mode is one module; Workload, ConfigMap and flagd will be others."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Protocol

from earlystop.api.conditions import Refusal
from earlystop.api.delivery import Delivery
from earlystop.delivery import gateway_header, header_cohort, shadow
from earlystop.delivery.inputs import Manifest, ProbeTarget, Share, Surroundings, Trial


class Mode(Protocol):
    """What a mode's module offers. Surroundings are those of one policy, a share is what shall be in force for it."""

    def owned_names(self, policy: str, services: Iterable[str], candidates: Iterable[str], /) -> list[tuple[str, str]]:
        """Kind and name of every object that the mode may own: what `Surroundings.owned` is filled with.

        services: names of the Services that the user's route leads to. candidates: labels of the candidates.
        """

    def unfit(self, around: Surroundings, share: Share, /) -> Refusal | None:
        """Why this mode cannot be used here, beside what holds for every overlay (`preflight`)."""

    def render(self, around: Surroundings, share: Share, /) -> list[Manifest]:
        """The objects that put a share in force, in the order of writing. Expects surroundings without refusal."""

    def trial(self, around: Surroundings, share: Share, /) -> Trial | None:
        """What to put in place and ask before `render` leads users by this mode's rules for the first time; None where
        there is no need or nobody to ask. Expects surroundings without refusal."""

    def shows(self, route: Manifest, delivery: Delivery, share: Share, /) -> bool:
        """Whether the last of the rendered objects, as it is found in the cluster, has the share in force."""

    def withdrawn(self, around: Surroundings, route: Manifest, /) -> Manifest:
        """That object with all requests on the baseline, whatever has become of what it was rendered from."""

    def probes(self, around: Surroundings, share: Share, overlay: Manifest, /) -> list[ProbeTarget]:
        """What to ask through the gateway for proof; empty when nothing can be asked, and metrics must show it."""

    def summary(self, share: Share, /) -> str:
        """A sentence about a share that is in force."""


MODES: Mapping[str, Mode] = {"GatewayHeader": gateway_header, "HeaderCohort": header_cohort, "Shadow": shadow}


def mode_of(delivery: Delivery) -> Mode:
    """The mode of a policy. Raises KeyError for one that has no module; such a policy is not accepted."""
    return MODES[delivery.mode]
