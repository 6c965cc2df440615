"""How Argo CD shows a policy: its health by the phase, as a table, and the script for Argo CD that is made from it.

Flux, Helm and `kubectl wait` need no script: kstatus reads observedGeneration and the conditions Ready and Stalled,
which stay as they are for the hours of a healthy rollout.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Any, NamedTuple

from earlystop.rollout.state import ACTING, BETWEEN_TRIALS, TRYING, Phase


class Health(StrEnum):
    """Argo CD's words, but for Missing and Unknown."""

    HEALTHY = "Healthy"
    PROGRESSING = "Progressing"
    DEGRADED = "Degraded"
    SUSPENDED = "Suspended"


class ShownHealth(NamedTuple):
    """What Argo CD shows: a word, and a sentence."""

    status: Health
    message: str


BY_PHASE: Mapping[Phase, Health] = MappingProxyType(
    {
        Phase.PENDING: Health.PROGRESSING,
        **dict.fromkeys(sorted(TRYING | ACTING | BETWEEN_TRIALS), Health.PROGRESSING),
        Phase.SUSPENDED: Health.SUSPENDED,
        Phase.PROMOTED: Health.HEALTHY,
        Phase.REPORTED: Health.HEALTHY,
        Phase.ROLLED_BACK: Health.DEGRADED,
        Phase.HELD: Health.SUSPENDED,
    }
)
"""A rollback is Degraded, as of Argo Rollouts: what Git asks for is not what serves. One that holds its weights without
a verdict is Suspended: it waits for a person."""
WAITING = "Waiting for the early-stop operator to see this policy."
ASKS_PEOPLE = "A decision waits for an approval; kubectl earlystop status shows what is proposed."


def argo_health(policy: Mapping[str, Any]) -> ShownHealth:
    """What the script makes of a policy. The script is this function in Lua, so that the table can be tested."""
    status, metadata = policy.get("status") or {}, policy["metadata"]
    if "phase" not in status or status.get("observedGeneration", 0) < metadata.get("generation", 1):
        return ShownHealth(Health.PROGRESSING, WAITING)
    ready = next((each for each in status.get("conditions") or () if each["type"] == "Ready"), None)
    message = WAITING if ready is None else str(ready["message"])
    if ready is not None and ready["status"] == "False":
        return ShownHealth(Health.DEGRADED, message)
    if policy["spec"].get("suspend"):
        return ShownHealth(Health.SUSPENDED, message)
    gates = status.get("gates") or {}
    gates_alone = gates.get("gates") and not gates.get("forPeople")
    if status.get("awaiting") and not gates_alone:
        return ShownHealth(Health.SUSPENDED, ASKS_PEOPLE)
    return ShownHealth(BY_PHASE[Phase(status["phase"])], message)


def argo_script() -> str:
    """The health script for Argo CD, for `resource.customizations.health.earlystop.dev_EarlyStopPolicy`."""
    phases = "\n".join(f'  {phase.value} = "{health.value}",' for phase, health in BY_PHASE.items())
    return f"""local phases = {{
{phases}
}}
local hs = {{status = "{Health.PROGRESSING}", message = "{WAITING}"}}
local status = obj.status
if status == nil or status.phase == nil then return hs end
if (status.observedGeneration or 0) < (obj.metadata.generation or 1) then return hs end
local ready = nil
for _, each in ipairs(status.conditions or {{}}) do
  if each.type == "Ready" then ready = each end
end
if ready ~= nil then hs.message = ready.message end
if ready ~= nil and ready.status == "False" then
  hs.status = "{Health.DEGRADED}"
elseif obj.spec.suspend then
  hs.status = "{Health.SUSPENDED}"
elseif status.awaiting ~= nil and (status.gates == nil or status.gates.gates == nil or status.gates.forPeople) then
  hs.status = "{Health.SUSPENDED}"
  hs.message = "{ASKS_PEOPLE}"
else
  hs.status = phases[status.phase] or "{Health.PROGRESSING}"
end
return hs
"""
