"""Whether an engine would take a setting beside the other fields of a body."""

from __future__ import annotations

from earlystop.api.body_guards import GREEDY, Guard, Relation
from earlystop.injector.json_object import ABSENT, JsonObject
from earlystop.injector.order import number_of


def holds(guard: Guard, root: JsonObject, setting: float) -> bool:
    """Whether a setting may stand beside the field, as it is after the settings before this one.

    False, too, where nobody can say what the engine makes of the field. Raises UnreadableError as `JsonObject.now`.
    """
    if guard.only_if is not None and root.now(guard.only_if[0]) != guard.only_if[1]:
        return True
    if guard.relation is Relation.NEVER:
        return False
    value = root.now(guard.path)
    if value is ABSENT or value is None or (guard.relation is Relation.SAMPLED and setting <= 1):
        return True
    other = number_of(value, reads_text=guard.reads_text)
    if other is None:
        return False
    return {
        Relation.AT_LEAST: setting >= other,
        Relation.ABOVE: setting > other,
        Relation.AT_MOST: setting <= other,
        Relation.BELOW: setting < other,
        Relation.SAMPLED: other >= GREEDY,
    }[guard.relation]
