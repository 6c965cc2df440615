"""Every rule that leads requests which count sets the campaign's token, and the token is nowhere else."""

from __future__ import annotations

from typing import Any

import pytest

from earlystop.api.modes import route_modes
from earlystop.api.wire import GOLDEN_HEADER, IN_FORCE_MARK, PROBE_HEADER, UNASSIGNED, is_signed
from earlystop.delivery.headers import headers_set, nonce_of
from earlystop.delivery.inputs import ClusterInputs
from earlystop.delivery.modes import mode_of
from earlystop.delivery.proof import Probes
from earlystop.delivery.split import TrafficSplit
from tests.unit.delivery.cluster import exact, inputs, overlay_in, prefix, rule, spec_in, split
from tests.unit.delivery.gateway_api import passed_on

TOKEN = "7f" * 32
SPLITS = [split(20, 30, token=TOKEN), split(0, 0, shadows=2, token=TOKEN), split(0, 100, token=TOKEN)]
MODES = sorted(route_modes())
HEADER, REVISION = "x-early-stop-token", "x-early-stop-revision"


def here(mode: str) -> ClusterInputs:
    return inputs(rule(prefix("/v1")), rule(exact("/ask")), spec=spec_in(mode, 2))


def rules_of(mode: str, wanted: TrafficSplit) -> list[dict[str, Any]]:
    """Those of the overlay, then those for probes alone."""
    cluster = here(mode)
    rules = list(overlay_in(mode_of(cluster.spec.delivery).render(cluster, wanted))["spec"]["rules"])
    probe_only = mode_of(cluster.spec.delivery).probe_only(cluster, wanted)
    return [*rules, *(probe_only.objects[-1]["spec"]["rules"] if probe_only else [])]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("wanted", SPLITS, ids=["shares", "shadows", "promoted"])
def test_whatever_counts_carries_the_token_and_whatever_does_not_carries_none(mode: str, wanted: TrafficSplit) -> None:
    for each in rules_of(mode, wanted):
        for backend in each["backendRefs"]:
            carried = passed_on({HEADER: "a client's"}, each, backend)
            assert carried.get(HEADER, "") == ("" if carried[REVISION] == UNASSIGNED else TOKEN)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("wanted", SPLITS, ids=["shares", "shadows", "promoted"])
def test_no_client_leaves_the_count_by_a_golden_header_that_no_rule_is_for(mode: str, wanted: TrafficSplit) -> None:
    for each in rules_of(mode, wanted):
        asked = {header["name"] for match in each["matches"] for header in match.get("headers", [])}
        for backend in each["backendRefs"]:
            carried = passed_on({GOLDEN_HEADER: "neither"}, each, backend)
            assert GOLDEN_HEADER not in carried or asked & {GOLDEN_HEADER, PROBE_HEADER}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("wanted", SPLITS, ids=["shares", "shadows", "promoted"])
def test_when_all_go_back_to_the_baseline_the_token_stays(mode: str, wanted: TrafficSplit) -> None:
    cluster = here(mode)
    delivery = mode_of(cluster.spec.delivery)
    made = overlay_in(delivery.render(cluster, wanted))
    (taken_back,) = delivery.baseline_only(cluster.with_objects([made]))
    before, after = (
        [headers.get(HEADER) for each in route["spec"]["rules"] for headers in headers_set(each)]
        for route in (made, taken_back)
    )
    assert before == after


@pytest.mark.parametrize("mode", MODES)
def test_every_probe_has_a_nonce_that_the_server_believes_and_nobody_works_out(mode: str) -> None:
    cluster, wanted = here(mode), split(20, 30, token=TOKEN)
    delivery = mode_of(cluster.spec.delivery)
    proof = delivery.proof(cluster, wanted, delivery.render(cluster, wanted))
    probe_only = delivery.probe_only(cluster, wanted)
    assert isinstance(proof, Probes)
    targets = [*proof.targets, *proof.by_variant, *(probe_only.targets if probe_only else ())]
    assert all(is_signed(TOKEN, each.nonce + IN_FORCE_MARK) for each in targets)
    guessed = split(20, 30, token="of a client")
    assert nonce_of(guessed) != nonce_of(wanted) != nonce_of(split(20, 30))


@pytest.mark.parametrize("mode", MODES)
def test_an_upgrade_changes_no_overlay_of_a_campaign_that_has_no_token(mode: str) -> None:
    for wanted in (split(20, 30), split(0, 0, shadows=2)):
        rules = rules_of(mode, wanted)
        assert HEADER not in repr(rules)
        assert repr(nonce_of(wanted)) in repr(rules) and "-" not in nonce_of(wanted)


def test_a_token_tells_no_two_splits_apart_and_no_repr_holds_it() -> None:
    wanted = split(20, 30, token=TOKEN)
    assert wanted == split(20, 30) and hash(wanted) == hash(split(20, 30)) and TOKEN not in repr(wanted)
