"""In which layout a policy's status is written: no server may take out of it what a restarted operator goes on from."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from earlystop.api.status.compact import compact, is_compact, is_guarded, without_looks
from earlystop.api.status.packed import in_both_layouts
from earlystop.api.status.packed_text import packed_fields

if TYPE_CHECKING:
    from earlystop.api.policy import PolicySpec

log = logging.getLogger(__name__)

Status = dict[str, Any]


@dataclass(frozen=True, slots=True)
class StatusLayout:
    """What the API server has kept of policies' statuses so far: it takes out what its CRD does not name.

    keeps_internal, keeps_rest: whether it has kept these fields. As long as it has not, the same stands beside them as
    earlier releases would have it.
    """

    keeps_internal: bool = False
    keeps_rest: bool = False

    def of(self, status: Status, spec: PolicySpec | None = None, *, is_recorded: bool = False) -> Status:
        """The layout in which a whole status is to be written. spec: of its policy, None where it is not known.
        is_recorded: whether the verdict of its decision is stored, which has the plan and all the looks of its
        campaign."""
        if is_guarded(status) and self.keeps_rest:
            from earlystop.rollout.stored.plan_reference import (
                with_reference,
            )  # here: a command that reads needs no plan

            short = without_looks(status) if is_recorded else status
            return compact(with_reference(short, spec) if is_recorded and spec is not None else short)
        if is_guarded(status):
            # Whether the field is kept shows on one in which nothing is.
            status = {**status, "internal": {**status["internal"], "rest": packed_fields({"quiet": []})}}
        return status if self.keeps_internal else in_both_layouts(status)

    def after_reading(self, status: Mapping[str, Any]) -> StatusLayout:
        """The layout once a status was read: what stands in it is kept."""
        return StatusLayout(self.keeps_internal or "internal" in status, self.keeps_rest or is_compact(status))

    def after_writing(self, sent: Mapping[str, Any], kept: Mapping[str, Any]) -> StatusLayout:
        """The layout once a status was sent to the API server, which has kept this of it."""
        if "internal" not in sent:
            return self
        keeps_internal, keeps_rest = "internal" in kept, self.keeps_rest
        if is_compact(sent):
            keeps_rest = is_compact(kept)
        if not keeps_internal or (is_compact(sent) and not keeps_rest):
            log.warning(
                "the API server has the definition of EarlyStopPolicy of an earlier release; apply the CRDs of this "
                "one, without which no verdict can be stored"
            )
        return StatusLayout(keeps_internal, keeps_rest)
