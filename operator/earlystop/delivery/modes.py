"""What a delivery mode offers. A mode is one module and one row of `api.modes.MODES`.

The module either holds its mode as `MODE`, or has the functions of `Mode` itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from importlib import import_module
from typing import Protocol, cast

from earlystop.api.conditions import Refusal
from earlystop.api.delivery import Delivery
from earlystop.delivery.inputs import (
    ClusterInputs,
    Manifest,
)
from earlystop.delivery.object_key import ObjectKey
from earlystop.delivery.proof import ProbeOnlyRules, SplitProof
from earlystop.delivery.rendered import Rendered
from earlystop.delivery.split import TrafficSplit


class Mode(Protocol):
    """What a mode offers. inputs: of one policy. split: what shall be in force for it.

    `render`, `probe_only` and `proof` expect inputs that passed preflight, the other functions take any.
    """

    def objects_needed(self, inputs: ClusterInputs, /) -> Iterable[ObjectKey]:
        """Objects of users and of the cluster that the mode has to read, as far as they can be named from what was
        read so far. It is called again until it names no more."""

    def owned_names(self, inputs: ClusterInputs, candidates: Sequence[str], /) -> list[tuple[str, str]]:
        """Kind and name of every object that the mode may own, as far as known from what was read so far.

        candidates: labels of the candidates, an incumbent's among them.
        """

    def check(self, inputs: ClusterInputs, split: TrafficSplit, /) -> Refusal | None:
        """Why the mode cannot put the split in force with these inputs, None when it can."""

    def render(self, inputs: ClusterInputs, split: TrafficSplit, /) -> Rendered:
        """The objects that put the split in force."""

    def serves_users(self, inputs: ClusterInputs, /) -> bool:
        """Whether the mode's objects, as they are found in the cluster, bring a variant to any user's request."""

    def probe_only(self, inputs: ClusterInputs, split: TrafficSplit, /) -> ProbeOnlyRules | None:
        """What to write and probe before `render` leads users by this mode's rules for the first time; None where there
        is no need, or where no probe can be sent."""

    def retrial(self, inputs: ClusterInputs, split: TrafficSplit, /) -> ProbeOnlyRules | None:
        """What `probe_only` gives, for a mode without it: before users are led again whom its rules were taken from."""

    def has_split(self, manifest: Manifest, delivery: Delivery, split: TrafficSplit, /) -> bool:
        """Whether an object of a watched kind, as it is found in the cluster, has the split in force."""

    def baseline_only(self, inputs: ClusterInputs, /) -> list[Manifest]:
        """The mode's objects that are found in the cluster, changed so that all requests get the baseline, whatever has
        become of what they were rendered from."""

    def detached(self, inputs: ClusterInputs, /) -> list[Manifest]:
        """The mode's objects that are found in the cluster, changed so that no user's request meets them: all go by
        what the user wrote, whatever has become of what the objects were rendered from."""

    def proof(self, inputs: ClusterInputs, split: TrafficSplit, rendered: Rendered, /) -> SplitProof:
        """How it is proven that the rendered objects are in force."""

    def summary(self, split: TrafficSplit, /) -> str:
        """A sentence about a split that is in force."""


def mode_of(delivery: Delivery) -> Mode:
    """The mode of a policy. Raises LookupError for one that is not built; such a policy is not accepted."""
    module = delivery.traits.module
    if not module:
        raise LookupError(f"delivery.mode {delivery.mode} is not built")
    loaded = import_module(module)
    return cast(Mode, getattr(loaded, "MODE", loaded))
