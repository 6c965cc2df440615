"""Mode Shadow: everybody gets the baseline, and the server is told whom to judge beside it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from earlystop.delivery import by_backend, gateway_header, shadow
from earlystop.delivery.all_to_baseline import all_to_baseline
from earlystop.delivery.shadow import render, summary
from earlystop.delivery.split import ShadowSetting
from tests.unit.delivery.cluster import exact, inputs, overlay_in, prefix, rule, spec_in, split
from tests.unit.delivery.gateway_api import passed_on

WATCHED = split(0, 0, shadows=2)


def test_all_requests_get_the_baseline_and_name_the_shadows() -> None:
    (made,) = render(inputs(rule(prefix("/v1")), rule(exact("/ask")), spec=spec_in("Shadow", 2)), WATCHED).objects
    assert len(made["spec"]["rules"]) == 3
    for each in made["spec"]["rules"]:
        (backend,) = each["backendRefs"]
        carried = passed_on({"x-early-stop-shadow": "w1;window=1"}, each, backend)
        assert carried | {"x-early-stop-probe": ""} == {
            "x-early-stop-policy": "llm/qa",
            "x-early-stop-revision": WATCHED.revision,
            "x-early-stop-step": "1",
            "x-early-stop-variant": "baseline",
            "x-early-stop-param-window": "40",
            "x-early-stop-param-patience": "2.5",
            "x-early-stop-shadow": "w10;window=10;patience=2.5, w5;window=5;patience=2.5",
            "x-early-stop-probe": "",
        }


def test_when_nobody_is_judged_any_more_a_forged_shadow_is_removed() -> None:
    (made,) = render(inputs(spec=spec_in("Shadow", 2)), split(0, 0)).objects
    for each in made["spec"]["rules"]:
        assert "x-early-stop-shadow" not in passed_on({"x-early-stop-shadow": "w1"}, each, each["backendRefs"][0])


@pytest.mark.parametrize("mode", ["Shadow", "GatewayHeader"])
def test_an_overlay_that_is_taken_back_names_nobody_by_any_header_however_many_were_judged(mode: str) -> None:
    here = inputs(spec=spec_in(mode, 2))
    many = tuple(ShadowSetting(f"w{number}", (("window", str(number)), ("patience", "2.5"))) for number in range(300))
    made, has_split = {
        "Shadow": (render, shadow.has_split),
        "GatewayHeader": (gateway_header.render, by_backend.has_split),
    }[mode]
    overlay = overlay_in(made(here, replace(WATCHED, shadows=many)))
    assert "x-early-stop-shadow-2" in str(overlay)
    taken = all_to_baseline(here, overlay)
    assert "shadow-2" not in str(taken)
    assert has_split(taken, here.spec.delivery, replace(WATCHED, shadows=()))
    assert all_to_baseline(here, taken) == taken


def test_who_is_judged_is_told() -> None:
    assert summary(WATCHED) == (
        "All requests stay on the baseline; w10, w5: judged on them without any user seeing it."
    )
    assert summary(split(0, 0)) == "All requests stay on the baseline; no candidate is judged on them."
