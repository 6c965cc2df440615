"""What a promotion changes in the target, and when the target has it."""

from __future__ import annotations

from typing import Any

from earlystop.api.delivery import Workload
from earlystop.delivery.candidate_pods.target import holds, promotion_applies, promotion_message
from tests.unit.delivery.cluster import KNOBS, settable_deployment, settings

WORKLOAD = Workload.model_validate({"routeRef": {"name": "qa"}, "container": "server", "settings": list(KNOBS)})
BEFORE, AFTER = settings("40"), settings("10")


def target(*variables: dict[str, str], **container: Any) -> dict[str, Any]:
    """The target with these variables and a patience of 2.5 among its arguments."""
    made = settable_deployment()
    made["spec"]["template"]["spec"]["containers"][0] |= {"env": list(variables), **container}
    return made


def test_only_what_was_promoted_is_changed_each_value_by_a_manager_of_its_own() -> None:
    (apply,) = promotion_applies(
        target({"name": "WINDOW", "value": "40"}, {"name": "A", "value": "x"}), WORKLOAD, BEFORE, AFTER
    )
    (container,) = apply.manifest["spec"]["template"]["spec"]["containers"]
    assert container == {"name": "server", "env": [{"name": "WINDOW", "value": "10"}]}
    assert apply.manager == "earlystop/server/WINDOW" and set(apply.manifest["spec"]) == {"template"}
    both = promotion_applies(target(), WORKLOAD, BEFORE, (("window", "10"), ("patience", "1")))
    assert [each.manager for each in both] == ["earlystop/server/WINDOW", "earlystop/server/--patience"]
    arguments = both[1].manifest["spec"]["template"]["spec"]["containers"][0]
    assert arguments == {"name": "server", "args": ["serve", "--patience", "1", "--port=8080"]}


def test_a_variable_that_the_target_has_not_is_the_baselines() -> None:
    without = target()
    assert not holds(without, WORKLOAD, BEFORE, AFTER)
    only_patience = (("window", "40"), ("patience", "1"))
    given = target(args=["--patience", "1"])
    assert holds(given, WORKLOAD, BEFORE, only_patience), "nobody was told to write WINDOW"
    assert promotion_applies(given, WORKLOAD, BEFORE, only_patience) == ()


def test_a_person_is_told_what_to_change_and_nothing_else() -> None:
    told = promotion_message("qa-server", WORKLOAD, BEFORE, AFTER)
    assert "in container server of Deployment qa-server: WINDOW from 40 to 10." in told and "patience" not in told
