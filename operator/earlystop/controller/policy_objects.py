"""People's objects that each name a policy, such as proposals, as watches have shown them, and what each is told."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

from earlystop.controller.cluster import Cluster, Manifest, Resource
from earlystop.controller.condition_writer import ConditionWriter, DueConditions
from earlystop.controller.resources import Key

Said = TypeVar("Said")
"""What an object says, as its own value."""


@dataclass(frozen=True, slots=True)
class Known(Generic[Said]):
    """An object as it was shown last.

    policy: its namespace, and the policy's name. name: its own. said: what it says. conditions: status and reason of
    its stored conditions, by type. since: when it was shown first, Unix seconds.
    """

    policy: Key
    name: str
    said: Said
    conditions: Mapping[str, tuple[str, str]]
    since: float


class PolicyObjects(ConditionWriter, Generic[Said]):
    """Keeps the objects of one kind by the policy that each names, and wakes that when one says something new.

    cluster, resource, kind, clock: as of a ConditionWriter. wake: has a policy reconciled.
    """

    def __init__(
        self,
        cluster: Cluster,
        resource: Resource,
        kind: str,
        wake: Callable[[Key], None],
        clock: Callable[[], float],
    ) -> None:
        super().__init__(cluster, resource, kind, clock)
        self._wake = wake
        self._resource = resource
        self._known: dict[Key, dict[str, Known[Said]]] = {}
        self._policy_of: dict[Key, Key] = {}
        self._said: dict[Key, tuple[Said, ...]] = {}

    @abstractmethod
    def _read(self, manifest: Manifest) -> Known[Said] | None:
        """An object as it is shown now; None for one that the API server could not have admitted."""

    def said_to(self, policy: Key) -> tuple[Said, ...]:
        """What all objects that name a policy say: the same tuple until one of them says something new or is gone."""
        if policy not in self._said:
            self._said[policy] = tuple(each.said for each in self._known.get(policy, {}).values())
        return self._said[policy]

    def shown(self, manifest: Manifest) -> None:
        """A watch shows an object. One that the API server could not have admitted is passed over."""
        found = self._read(manifest)
        if found is None:
            return
        named_before = self._policy_of.get(_key_of(found))
        if named_before is not None and named_before != found.policy:
            self._forget(named_before, found.name)  # another one of its name, deleted while no watch saw it
        before = self._same(found)
        self._keep(found, before)
        if before is None or before.said != found.said:
            self._wake(found.policy)
            self._changed.set()

    def deleted(self, manifest: Manifest) -> None:
        """A watch shows that an object was deleted: it counts no more, if it was not followed yet."""
        found = self._read(manifest)
        if found is not None and self._same(found) is not None:
            self._forget(found.policy, found.name)
            self._changed.set()

    async def compare_with_list(self, namespaces: Sequence[str | None]) -> None:
        """Forget objects whose deletion no watch reported. namespaces: that are watched, (None,) for all. Raises
        ClusterError when the API fails."""
        before = {key: self._known[policy][key[1]] for key, policy in self._policy_of.items()}
        for namespace in namespaces:
            async for page in self._cluster.pages(self._resource, namespace, metadata_only=True):
                for listed in page:
                    before.pop((listed["metadata"]["namespace"], listed["metadata"]["name"]), None)
        for key, each in before.items():
            if self._known.get(each.policy, {}).get(each.name) is each:  # else it was shown meanwhile
                self._note_gone(key)

    def _keep(self, found: Known[Said], before: Known[Said] | None) -> None:
        self._known.setdefault(found.policy, {})[found.name] = _since_before(found, before)
        self._policy_of[_key_of(found)] = found.policy
        if before is None or before.said != found.said:
            self._said.pop(found.policy, None)

    def _note_gone(self, key: Key) -> None:
        policy = self._policy_of.get(key)
        if policy is not None:
            self._forget(policy, key[1])

    def _forget(self, policy: Key, name: str) -> None:
        known = self._known.get(policy, {})
        known.pop(name, None)
        self._policy_of.pop((policy[0], name), None)
        self._said.pop(policy, None)
        self._not_before.pop((policy[0], name), None)
        if not known:
            self._known.pop(policy, None)

    def _same(self, found: Known[Said]) -> Known[Said] | None:
        return self._known.get(found.policy, {}).get(found.name)

    def _is_same(self, manifest: Manifest, due: DueConditions) -> bool:
        found = self._read(manifest)
        known = None if found is None else self._same(found)
        return found is not None and known is not None and known.said == found.said

    def _note_written(self, manifest: Manifest) -> None:
        found = self._read(manifest)
        before = None if found is None else self._same(found)
        if found is not None and before is not None:
            self._keep(found, before)


def _key_of(found: Known[Said]) -> Key:
    return found.policy[0], found.name


def _since_before(found: Known[Said], before: Known[Said] | None) -> Known[Said]:
    """The object as it is shown now, known since it was shown first."""
    return found if before is None else replace(found, since=before.since)
