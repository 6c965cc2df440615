"""The Lease that publishes one digest over all verdicts: read, and written with the version that was read."""

from __future__ import annotations

from earlystop.controller.cluster import LEASES, Cluster, Manifest, NotFound
from earlystop.rollout.record.publication import BEFORE, BROKEN, COUNT, DIGEST, SCOPE, Publication, publication_in

OWN = (DIGEST, COUNT, BEFORE, BROKEN, SCOPE)
MISSING = 404


class PublishedRecord:
    """What the Lease said when it was read, and how it is written."""

    def __init__(self, lease: Manifest) -> None:
        self._lease = lease
        self.publication = publication_in(self._annotations)

    @classmethod
    async def read(cls, cluster: Cluster, namespace: str, name: str) -> PublishedRecord:
        """The Lease now. Raises NotFound where there is none: the operator makes none, and needs no right to.

        Raises ClusterError when the API fails.
        """
        found = await cluster.get(LEASES, namespace, name)
        if found is None:
            raise NotFound(MISSING, f"there is no Lease {name} in namespace {namespace}")
        return cls(found)

    @property
    def _annotations(self) -> dict[str, str]:
        return dict(self._lease["metadata"].get("annotations") or {})

    async def write(self, cluster: Cluster, publication: Publication) -> None:
        """Publish. Other annotations stay. Raises Conflict when the Lease was changed since it was read."""
        kept = {name: value for name, value in self._annotations.items() if name not in OWN}
        metadata = {**self._lease["metadata"], "annotations": {**kept, **publication.annotations()}}
        await cluster.replace(LEASES, metadata["namespace"], {**self._lease, "metadata": metadata})
