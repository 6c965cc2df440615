"""What the operator remembers of one policy's traffic between reconciliations. Losing it costs one more proof."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from earlystop.api.conditions import Condition
from earlystop.controller.memory.counts import CountsMemory
from earlystop.controller.memory.gathered_inputs import GatheredInputs
from earlystop.controller.memory.handover import Handover
from earlystop.controller.memory.requests import RequestsMemory
from earlystop.controller.memory.variant_watch import VariantWatch
from earlystop.delivery.decisions import Probe
from earlystop.delivery.probes.canary import Fault
from earlystop.delivery.probes.engine_check import EngineCheck
from earlystop.delivery.probes.misrouting import contradicts
from earlystop.delivery.proof import ProbeResult, ProbeTarget, Proof
from earlystop.delivery.split import TrafficSplit
from earlystop.delivery.traffic_view import Rest, TrafficView

LONGEST_GAP_SECONDS = 120.0  # attempts to prove a split are 15 s apart; after a longer gap nobody was asking


@dataclass(slots=True)
class TrafficMemory:
    """How far the desired split has got, as far as is remembered. Times are Unix seconds.

    recheck: objects in the cluster may not be as desired.
    proven: the split last shown to be in force. proven_on_probes: the one last shown on the operator's probes alone.
    contradicted_at: since when answers to probes contradict what was written, None when they do not.
    quarantined_revision: revision of the campaign that was taken off again since the gateway misroutes, "" for none.
    written_at: when an object that moves traffic was last written.
    unproven: the split by which users are led although nothing has proven it, since when, and when that was last so.
    missing: whether counts show that a variant gets none of the requests that it should have.
    counted: requests of each variant at the first reading since objects were last written, None before it.
    variants: which of them are asked for now and then, and whether that tells anything.
    attended: whether the traffic was attended to since the operator started.
    fault: what these probes found, None where nothing is wrong.
    requests: what was found of requests beside weights that are in force.
    in_force_before: the split that was in force when the operator started, None once an object was written.
    counts: what is compared with the weights, where counts are.
    rest: the split that was last taken off, None for none.
    engine: what the engine answered to the operator's own questions, None before that.
    failures: attempts since the last proof.
    users_objects: a digest of the users' objects when the policy's own last were as these need, None before that.
    edits: how many edits of objects watches have shown.
    handover: to which policy the target is left, since the campaign is over.
    gathered: what the acceptance check has just read.
    led_by: the split by which users were led last, proven or not, None for none.
    entry: digest of another policy's settings that hold the policy's entry and give no candidate anything, and since
        when this operator has seen them so; None before it looked.
    wanted: the split that is put in force, and since when this operator has tried to; None before that.
    """

    recheck: bool = True
    proven: TrafficSplit | None = None
    proven_on_probes: TrafficSplit | None = None
    contradicted_at: float | None = None
    quarantined_revision: str = ""
    written_at: float = 0.0
    unproven: tuple[TrafficSplit, float, float] | None = None
    missing: bool = False
    counted: Mapping[str, int] | None = None
    variants: VariantWatch = field(default_factory=VariantWatch)
    attended: bool = False
    handover: Handover = field(default_factory=Handover)
    fault: Fault | None = None
    requests: RequestsMemory = field(default_factory=RequestsMemory)
    in_force_before: TrafficSplit | None = None
    counts: CountsMemory = field(default_factory=CountsMemory)
    rest: Rest | None = None
    engine: EngineCheck | None = None
    failures: int = 0
    users_objects: bytes | None = None
    edits: int = 0
    gathered: GatheredInputs = field(default_factory=GatheredInputs)
    led_by: TrafficSplit | None = None
    entry: tuple[str, float] | None = None
    wanted: tuple[TrafficSplit, float] | None = None

    def view(
        self, condition: Condition, answers: tuple[tuple[tuple[ProbeTarget, ...], ProbeResult], ...]
    ) -> TrafficView:
        """The memory as a decision sees it. condition: what was last said. answers: to the probes sent just now."""
        return TrafficView(
            condition=condition,
            proven=self.proven,
            proven_on_probes=self.proven_on_probes,
            written_at=self.written_at,
            wanted_since=0.0 if self.wanted is None else self.wanted[1],
            contradicted_at=self.contradicted_at,
            quarantined_revision=self.quarantined_revision,
            unproven_since=None if self.unproven is None else self.unproven[1],
            missing=self.missing,
            fault=self.fault,
            unseen="" if self.variants.blind is None else self.variants.blind.message,
            rest=self.rest,
            engine=self.engine,
            answers=answers,
        )

    @property
    def is_unwatched(self) -> bool:
        """Whether nothing is proven, and no variants are asked for."""
        return self.variants.watched is None and self.proven is None

    def note_wanted(self, split: TrafficSplit, now: float) -> None:
        """This split is to be put in force at Unix time `now`. When it was written an operator that has just started
        does not know, so it waits as long as for one that it wrote itself."""
        if self.wanted is None or self.wanted[0] != split:
            self.wanted = split, now

    def note_entry(self, digest: str, now: float) -> float:
        """At Unix time `now` settings of another policy, with this digest ("" for none), hold the entry. Returns
        for how many seconds that is known."""
        if self.entry is None or self.entry[0] != digest:
            self.entry = digest, now
        return now - self.entry[1]

    def users_edited(self, digest: bytes) -> bool | None:
        """Whether the users' objects, now with this digest, were edited since the policy's own were last as these
        need, None when that was not seen: what then differs was edited while nobody watched, or by nobody knows whom.
        What waits to be written, as for the pacing of changes, still follows the edit when it is."""
        return None if self.users_objects is None else self.users_objects != digest

    def note_fit(self, digest: bytes) -> None:
        """Notes that the policy's own objects fit the users' objects, which have this digest."""
        self.users_objects = digest

    def note_change(self, now: float) -> None:
        """An object that moves traffic was written at Unix time `now`: what was proven before proves nothing now."""
        self.written_at, self.proven, self.proven_on_probes, self.contradicted_at = now, None, None, None
        self.counted, self.variants.watched, self.fault, self.in_force_before = None, None, None, None
        self.counts.forget()

    def note_users(self, split: TrafficSplit, led: bool, now: float) -> None:
        """Whether users are led by objects of the policy at Unix time `now`, while this split is desired. After a time
        in which nobody asked, as while the policy was suspended, the time without proof begins anew."""
        self.attended = True
        if not led or self.proven == split or not split.is_more_than_baseline:
            self._forget_unproven()
            return
        known = self.unproven
        goes_on = known is not None and known[0] == split and now - known[2] <= LONGEST_GAP_SECONDS
        if not goes_on:
            self._forget_unproven()
        self.unproven = (split, known[1] if goes_on and known is not None else now, now)

    def note_led(self, split: TrafficSplit, *, changed: bool, led: bool) -> bool:
        """An attempt to put a split in force has ended. changed: whether objects were written for it. led: whether it
        leads users now. Returns whether it did before, and another split or none meanwhile."""
        interrupted = changed and self.led_by == split
        if led:
            self.led_by = split
        return interrupted

    def _forget_unproven(self) -> None:
        self.unproven, self.missing = None, False

    def requests_since_change(self, counted: Mapping[str, int]) -> dict[str, int]:
        """Requests of each variant beyond those of the first reading since objects were last written: what an earlier
        attempt was counted for says nothing of this one."""
        if self.counted is None:
            self.counted = dict(counted)
        return {variant: requests - self.counted.get(variant, 0) for variant, requests in counted.items()}

    def was_taken_off(self, split: TrafficSplit) -> bool:
        """Whether this split was taken off and is not proven anew, so that older requests prove nothing."""
        return self.rest is not None and self.rest.split == split and self.rest.proven_at is None

    def note_missing(self) -> None:
        """Notes that counts show a variant without any of the requests that it should have."""
        self.missing = True

    def resume_rest(self, split: TrafficSplit, seconds: float, until: float, condition: Condition) -> None:
        """The stored status says that a split was taken off for so many seconds, until this Unix time: the operator
        that did so was restarted, and the rest goes on."""
        self.rest = Rest(split=split, seconds=seconds, until=until, condition=condition)

    def is_known_in_force(self, split: TrafficSplit) -> bool:
        """Whether a split was in force when the operator started, and nothing was written since."""
        return self.in_force_before == split

    def resume_in_force(self, split: TrafficSplit) -> None:
        """The stored status says that a split is in force: the operator that proved it was restarted."""
        self.in_force_before = split

    def note_detached(self, now: float) -> None:
        """Users were led by the policy's objects until Unix time `now` and no longer are."""
        self._forget_unproven()
        self.note_change(now)

    def begin_rest(self, split: TrafficSplit, now: float, seconds: float, condition: Condition) -> None:
        """A split that was taken off at Unix time `now` is not tried again for some seconds."""
        self.rest = Rest(split=split, seconds=seconds, until=now + seconds, condition=condition)

    def note_engine(self, check: EngineCheck) -> None:
        """The engine was asked whether it takes the settings."""
        self.engine = check

    def note_answer(self, probe: Probe, split: TrafficSplit, result: ProbeResult, now: float) -> None:
        """Probes for a split were answered at Unix time `now`."""
        if probe.by_variant:
            self._note_variants(split, result, now)
            return
        if not contradicts(result):
            self.contradicted_at = None
        elif self.contradicted_at is None:
            self.contradicted_at = now
        if result.proof == Proof.IN_FORCE and probe.users_led:
            self.fault = None
            self.note_proven(split, now)
        elif result.proof == Proof.IN_FORCE:
            self.proven_on_probes = split

    def _note_variants(self, split: TrafficSplit, result: ProbeResult, now: float) -> None:
        """What probes of single variants showed. Answers that contradict the split show nothing but that it must be
        proven anew."""
        self.variants.note_answer(result, now)
        if result.proof == Proof.IN_FORCE:
            self.fault = None
        elif result.proof in (Proof.CANDIDATE_FAILS, Proof.NOT_YET):
            known = self.fault
            goes_on = known is not None and (known.split, known.proof) == (split, result.proof)
            since = known.since if goes_on and known is not None else now
            self.fault = Fault(split, result.proof, result.message, since)
        elif contradicts(result):
            self.proven, self.fault = None, None

    def forget_fault(self) -> None:
        """Users were taken off for a reason that is known: what probes found meanwhile is no fault of the split."""
        self.fault = None

    def require_recheck(self) -> None:
        """Objects in the cluster may have changed: the next reconciliation compares them with the desired ones."""
        self.recheck = True

    def note_edit(self) -> None:
        """A watch shows that an object was edited: what the acceptance check has read may be out of date."""
        self.recheck, self.edits = True, self.edits + 1
        self.gathered.drop()

    def begin_check(self) -> None:
        """The objects are compared from now on; a change that is noticed during the comparison requires another."""
        self.recheck = False

    def forget_proof(self) -> None:
        """Another writer has moved the policy on: what this operator had proven may be in force no longer."""
        self.recheck, self.proven = True, None

    def note_proven(self, split: TrafficSplit, now: float) -> None:
        """Probes, or requests that were counted under the split's step, show at Unix time `now` that it is in force."""
        self.proven = split
        if self.was_taken_off(split) and self.rest is not None:
            self.rest = replace(self.rest, proven_at=now)
        self._forget_unproven()

    def note_shortfall(self, split: TrafficSplit, message: str, now: float) -> None:
        """Counts show at Unix time `now` that a variant gets far less than its share of requests."""
        self.fault = Fault(split, Proof.CANDIDATE_FAILS, message, now)

    def note_attempt(self, *, succeeded: bool) -> None:
        """One attempt to put a split in force, or to store the verdict that comes before it, has ended."""
        self.failures = 0 if succeeded else self.failures + 1

    def note_aliases_written(self, now: float) -> None:
        """Alias Services were written at Unix time `now`: the gateway has yet to learn of them."""
        self.written_at = now

    def quarantine(self, revision: str) -> None:
        """The gateway misroutes a campaign: its requests are led by no overlay any more."""
        self.quarantined_revision = revision
