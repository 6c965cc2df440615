"""All that follows from the desired split and what is observed, so that `decide` needs no delivery mode."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import overload

from earlystop.api.conditions import Refusal
from earlystop.delivery.inputs import ClusterInputs, Manifest
from earlystop.delivery.modes import mode_of
from earlystop.delivery.preflight import rendered_or_refusal
from earlystop.delivery.proof import ProbeOnlyRules, SplitProof
from earlystop.delivery.rendered import Rendered
from earlystop.delivery.routes.destinations import leads_elsewhere
from earlystop.delivery.split import TrafficSplit

NOTHING_RENDERED = Rendered(())


class LazyObjects(Sequence[Manifest]):
    """Objects that are rendered when they are first looked at: a decision uses one way off the candidates or none.

    render: makes them, in the order of writing.
    """

    def __init__(self, render: Callable[[], Iterable[Manifest]]) -> None:
        self._render = render

    @cached_property
    def _objects(self) -> tuple[Manifest, ...]:
        return tuple(self._render())

    def __len__(self) -> int:
        return len(self._objects)

    @overload
    def __getitem__(self, index: int) -> Manifest: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Manifest, ...]: ...
    def __getitem__(self, index: int | slice) -> Manifest | tuple[Manifest, ...]:
        return self._objects[index]


@dataclass(frozen=True, slots=True, kw_only=True)
class Desired:
    """What shall be in force, and everything that could be written for it.

    split: which percent of requests each variant shall get.
    rolling_back: whether the campaign's decision is that no candidate gets any.
    serves_users: whether the mode's objects, as they were observed, bring a variant to any user's request.
    baseline_only: the mode's objects that were observed, with all requests on the baseline.
    detached: the same objects, changed so that no user's request meets them.
    leads_elsewhere: whether users are led to where their own route no longer leads.
    is_kept_by_servers: whether servers go on by what they have read, whatever becomes of the objects.
    refusal: why the split cannot be put in force, None when it can. With a refusal, nothing is rendered.
    rendered: the objects that put the split in force.
    primary_found: whether the primary one of them was observed, whatever it held, before anything was written.
    proof: how that is proven, None where nothing is rendered.
    probe_only: what the gateway has to show on probes before users are led, None where nothing has to be shown.
    retrial: makes the same for users whom the mode's objects were taken from.
    proof_as_found: makes the proof by the primary object as it was observed, None where it was not.
    summary: a sentence about the split once it is in force.
    """

    split: TrafficSplit
    rolling_back: bool = False
    serves_users: bool = False
    baseline_only: Sequence[Manifest] = ()
    detached: Sequence[Manifest] = ()
    leads_elsewhere: bool = False
    is_kept_by_servers: bool = False
    refusal: Refusal | None = None
    rendered: Rendered = NOTHING_RENDERED
    primary_found: bool = False
    proof: SplitProof | None = None
    probe_only: ProbeOnlyRules | None = None
    retrial: Callable[[], ProbeOnlyRules | None] = lambda: None
    proof_as_found: Callable[[], SplitProof | None] = lambda: None
    summary: str = ""


def desired_traffic(inputs: ClusterInputs, split: TrafficSplit, rolling_back: bool) -> Desired:
    """What the policy's mode makes of the desired split with these inputs."""
    mode = mode_of(inputs.spec.delivery)
    rendered, detached = rendered_or_refusal(inputs, split), LazyObjects(lambda: mode.detached(inputs))
    if isinstance(rendered, Refusal):
        kept = inputs.spec.delivery.by_servers is not None
        return Desired(
            split=split, rolling_back=rolling_back, detached=detached, refusal=rendered, is_kept_by_servers=kept
        )
    if rendered.over is not None:
        leads = mode.serves_users(inputs)
        return Desired(split=split, serves_users=leads, detached=detached, rendered=rendered)
    primary = rendered.primary
    found = None if primary is None else inputs.own(primary["kind"], primary["metadata"]["name"])
    return Desired(
        split=split,
        rolling_back=rolling_back,
        serves_users=mode.serves_users(inputs),
        baseline_only=LazyObjects(lambda: mode.baseline_only(inputs)),
        detached=detached,
        leads_elsewhere=found is not None and primary is not None and leads_elsewhere(found, primary),
        rendered=rendered,
        primary_found=found is not None,
        proof=mode.proof(inputs, split, rendered),
        probe_only=mode.probe_only(inputs, split),
        retrial=lambda: mode.retrial(inputs, split),
        proof_as_found=lambda: mode.proof(inputs, split, replace(rendered, primary=found)) if found else None,
        summary=mode.summary(split),
    )
