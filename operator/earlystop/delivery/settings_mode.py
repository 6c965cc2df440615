"""What all modes share whose servers read their settings themselves from an entry of a user's object: what is written
there, whose it is, and how it is proven that every process serves by it.

A mode's own file states in one `SettingsMode` what differs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from earlystop.api.conditions import Refusal
from earlystop.api.delivery import Delivery
from earlystop.api.server_settings import ReadByServers
from earlystop.api.wire import SETTINGS_ALLOWED, SETTINGS_LABEL
from earlystop.delivery.inputs import (
    ClusterInputs,
    Manifest,
)
from earlystop.delivery.object_key import ObjectKey
from earlystop.delivery.proof import Reports
from earlystop.delivery.rendered import Rendered
from earlystop.delivery.split import TrafficSplit
from earlystop.exporter.settings_document import SettingsDocument, VariantSettings, all_on_baseline

# As long as the kubelet takes to bring a changed object into every Pod.
SETTINGS_GRACE_SECONDS = 180.0


class NotOurs(ValueError):
    """An entry holds something that the operator did not write."""


@dataclass(frozen=True, kw_only=True)
class SettingsMode:
    """A mode (`delivery.modes.Mode`) of which one entry of a user's object holds the settings. Its fields are all in
    which such modes differ.

    kind: of the object. settings: the mode's part of a policy. entry: name of the entry.
    entry_words: what the entry is called, such as "key settings.json".
    entries: names of all such entries of an object, whoever wrote them.
    held: the settings in the entry of an object, None where there is no such entry; raises NotOurs for others' content.
    fields: the fields of the object that hold the settings, and nothing else of it.
    """

    kind: str
    settings: Callable[[Delivery], ReadByServers | None]
    entry: Callable[[ReadByServers], str]
    entry_words: str
    entries: Callable[[Manifest], Iterable[str]]
    held: Callable[[Manifest, str], SettingsDocument | None]
    fields: Callable[[str, SettingsDocument], Manifest]

    def objects_needed(self, inputs: ClusterInputs) -> Iterable[ObjectKey]:
        """The object that holds the policy's entry, which the mode has to read."""
        return [ObjectKey(self.kind, inputs.namespace, self._name(inputs))]

    def owned_names(self, _: ClusterInputs, __: Sequence[str]) -> list[tuple[str, str]]:
        """No name, since the object is the user's."""
        return []

    def check(self, inputs: ClusterInputs, split: TrafficSplit) -> Refusal | None:
        """Why the settings cannot be written, None when they can."""
        found, name = self._object(inputs), self._name(inputs)
        where = f"{self.kind} {name} in namespace {inputs.namespace}"
        if split.shadows:
            return Refusal("ShadowNotDelivered", _NO_SHADOW)
        if found is None:
            return Refusal(
                "SettingsObjectNotFound", f"There is no {where}. Create it, with the label {_LABEL}, and mount it."
            )
        if (found["metadata"].get("labels") or {}).get(SETTINGS_LABEL) != SETTINGS_ALLOWED:
            return Refusal(
                "SettingsNotAllowed",
                f"{where} may not hold the settings of policies. Whoever owns it allows that by the label {_LABEL}; "
                "where it has that, give the operator the right to patch such objects, and let no admission "
                "webhook refuse that.",
            )
        if found.get("immutable") is True:
            return Refusal(
                "SettingsImmutable",
                f"{where} has immutable: true, so nothing can be written into it. Create it anew without that, or name "
                "another one.",
            )
        return self._taken(inputs, found, f"{self.entry_words.format(self._entry(inputs))} of {where}")

    def _taken(self, inputs: ClusterInputs, found: Manifest, where: str) -> Refusal | None:
        """Why the entry is not this policy's to write, None where it is. What gives no candidate anything may be taken
        over once its policy is gone or over and every server has read it."""
        try:
            held = self.held(found, self._entry(inputs))
        except NotOurs:
            return Refusal(
                "SettingsKeyTaken",
                f"{where[0].upper()}{where[1:]} holds something that the operator did not write, and is left as it is. "
                "Remove it there and wherever it comes from, such as a chart or Git, or name another one.",
            )
        if held is None or held.policy == policy_label(inputs):
            return None
        if inputs.entry_is_free and _is_baseline_only(held):
            return None
        return Refusal(
            "SettingsKeyTaken",
            f"{where[0].upper()}{where[1:]} holds the settings of EarlyStopPolicy {held.policy}. They may be "
            f"written over some {SETTINGS_GRACE_SECONDS / 60:.0f} minutes after that policy is gone, or over with the "
            "baseline for everybody; until then name another one.",
        )

    def settled(self, inputs: ClusterInputs) -> SettingsDocument | None:
        """Another policy's settings in the entry, where they give no candidate anything; None else."""
        found = self._object(inputs)
        held = None if found is None else self._held(found, self._entry(inputs))
        return held if held and held.policy != policy_label(inputs) and _is_baseline_only(held) else None

    def render(self, inputs: ClusterInputs, split: TrafficSplit) -> Rendered:
        """The entry that puts a split in force."""
        return Rendered((self._manifest(inputs, self._document(inputs, split)),))

    def serves_users(self, inputs: ClusterInputs) -> bool:
        """Whether servers find settings of the policy."""
        return self._own(inputs) is not None

    def probe_only(self, _: ClusterInputs, __: TrafficSplit) -> None:
        """Nothing can be asked before users are served: every process says for itself what it serves by."""

    def retrial(self, _: ClusterInputs, __: TrafficSplit) -> None:
        """Nothing: as before users, every process says for itself what it serves by, also after users were taken
        off."""

    def has_split(self, manifest: Manifest, delivery: Delivery, split: TrafficSplit) -> bool:
        """Whether the entry has these weights."""
        settings = self.settings(delivery)
        held = None if settings is None else self._held(manifest, self.entry(settings))
        return held is not None and held.weights == tuple((each.variant, each.weight) for each in split.variants)

    def baseline_only(self, inputs: ClusterInputs) -> list[Manifest]:
        """The policy's settings that are found, with the baseline for everybody."""
        held = self._own(inputs)
        return [] if held is None else [self._manifest(inputs, all_on_baseline(held))]

    def detached(self, inputs: ClusterInputs) -> list[Manifest]:
        """What `baseline_only` gives: servers go on to read the entry, and find the baseline there."""
        return self.baseline_only(inputs)

    def without_candidates(self, manifest: Manifest, uid: str) -> Manifest | None:
        """The fields of the policy with this UID in an object, with the baseline for everybody; None where they are so
        already."""
        own = self._written_by(manifest, uid)
        if all(map(_is_baseline_only, own.values())):
            return None
        # A policy has one entry; where its spec was edited, that of before is in the object as well.
        return merged(self.fields(name, all_on_baseline(held)) for name, held in own.items())

    def is_in(self, manifest: Manifest, uid: str) -> bool:
        """Whether an object holds settings of the policy with this UID."""
        return bool(self._written_by(manifest, uid))

    def _written_by(self, manifest: Manifest, uid: str) -> dict[str, SettingsDocument]:
        found = {name: held for name in self.entries(manifest) if (held := self._held(manifest, name)) is not None}
        return {name: held for name, held in found.items() if held.uid == uid}

    def _held(self, manifest: Manifest, entry: str) -> SettingsDocument | None:
        try:
            return self.held(manifest, entry)
        except NotOurs:
            return None

    def proof(self, inputs: ClusterInputs, split: TrafficSplit, _: Rendered) -> Reports:
        """Every process that is up says that it serves by these settings."""
        return Reports(self._document(inputs, split).digest)

    def summary(self, split: TrafficSplit) -> str:
        """A sentence about a split that is in force."""
        shares = ", ".join(f"{each.weight} % {each.variant}" for each in split.variants)
        return f"Every process serves by the settings of this step: {shares}."

    def _document(self, inputs: ClusterInputs, split: TrafficSplit) -> SettingsDocument:
        settings = self.settings(inputs.spec.delivery)
        assert settings is not None  # as the CRD asks for
        return settings_document(inputs, split, settings.drawn_by)

    def _manifest(self, inputs: ClusterInputs, document: SettingsDocument) -> Manifest:
        return {
            "kind": self.kind,
            "metadata": {"name": self._name(inputs), "namespace": inputs.namespace},
            **self.fields(self._entry(inputs), document),
        }

    def _own(self, inputs: ClusterInputs) -> SettingsDocument | None:
        found = self._object(inputs)
        held = None if found is None else self._held(found, self._entry(inputs))
        return held if held is not None and held.policy == policy_label(inputs) else None

    def _object(self, inputs: ClusterInputs) -> Manifest | None:
        return inputs.own(self.kind, self._name(inputs))

    def _name(self, inputs: ClusterInputs) -> str:
        settings = self.settings(inputs.spec.delivery)
        return "" if settings is None else settings.name

    def _entry(self, inputs: ClusterInputs) -> str:
        settings = self.settings(inputs.spec.delivery)
        return "" if settings is None else self.entry(settings)


def settings_document(inputs: ClusterInputs, split: TrafficSplit, drawn_by: str) -> SettingsDocument:
    """What processes that draw variants themselves shall serve by. drawn_by: as `SettingsDocument` has it."""
    return SettingsDocument(
        policy=policy_label(inputs),
        uid=inputs.uid,
        revision=split.revision,
        step=split.step,
        variants=tuple(VariantSettings(each.variant, each.weight, dict(each.settings)) for each in split.variants),
        drawn_by=drawn_by,
        token=split.token,
    )


def policy_label(inputs: ClusterInputs) -> str:
    """The policy as namespace/name."""
    return f"{inputs.namespace}/{inputs.policy}"


def _is_baseline_only(document: SettingsDocument) -> bool:
    return document.weights[0][1] == 100


def merged(parts: Iterable[Manifest]) -> Manifest:
    """Fields of one object joined, map by map."""
    whole: Manifest = {}
    for part in parts:
        for field, value in part.items():
            both = isinstance(value, dict) and isinstance(whole.get(field), dict)
            whole[field] = merged([whole[field], value]) if both else value
    return whole


def map_in(found: object) -> Mapping[str, object]:
    """A map of an object, empty where there is none."""
    return found if isinstance(found, Mapping) else {}


_LABEL = f"{SETTINGS_LABEL}={SETTINGS_ALLOWED}"
_NO_SHADOW = (
    "rollout.shadowSeconds asks servers to judge candidates on the baseline's requests, and settings that servers read "
    "themselves do not say so. Remove it."
)
