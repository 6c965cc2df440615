"""The looks of a promoted policy under guard, which stand in its verdict alone, for the screens that show evidence."""

from __future__ import annotations

from typing import TYPE_CHECKING

from earlystop.cli.screen.stored_status import UNREADABLE
from earlystop.cli.screen.view import status_of
from earlystop.controller.cluster_errors import ClusterError
from earlystop.controller.resources import VERDICTS, Manifest
from earlystop.rollout.recorded_looks import status_with_looks

if TYPE_CHECKING:
    from earlystop.controller.cluster import Cluster


async def with_recorded_looks(cluster: Cluster, policy: Manifest) -> Manifest:
    """A policy with all looks in its status. The same one where its status has them, and where the verdict is not there
    or may not be read: its status still says what came of them."""
    status = status_of(policy)
    if "recorded" not in (status.get("internal") or {}):
        return policy
    try:
        verdict = await cluster.get(VERDICTS, policy["metadata"]["namespace"], status["decision"]["name"])
        return {**policy, "status": status_with_looks(status, verdict)}
    except (ClusterError, *UNREADABLE):
        return policy
