"""Header modifiers: what is set, what is removed, and how they meet the user's own."""

from __future__ import annotations

from typing import Any

from earlystop.delivery.headers import MODIFIER, as_filter, modifier, shadow_headers, with_filter
from tests.unit.delivery.cluster import inputs, split

VARIANT = {"name": "x-early-stop-variant", "value": "baseline"}
OURS: dict[str, Any] = {"set": [VARIANT], "remove": ["x-early-stop-shadow"]}
OTHER = {"type": "ResponseHeaderModifier", "responseHeaderModifier": {"remove": ["server"]}}


def theirs(**content: Any) -> dict[str, Any]:
    return {"type": MODIFIER, "requestHeaderModifier": content}


def named(*names: str) -> list[dict[str, str]]:
    return [{"name": name, "value": "theirs"} for name in names]


def test_a_rule_without_a_header_modifier_gets_one() -> None:
    assert with_filter([], OURS) == [as_filter(OURS)]
    assert with_filter([OTHER], OURS) == [OTHER, as_filter(OURS)]


def test_a_rule_has_one_header_modifier_afterwards_and_keeps_what_the_user_set() -> None:
    before = [theirs(set=named("x-model"), add=named("x-more"), remove=["cookie"]), OTHER]
    merged, other = with_filter(before, OURS)
    assert other == OTHER
    assert merged["requestHeaderModifier"] == {
        "set": [*named("x-model"), *OURS["set"]],
        "add": named("x-more"),
        "remove": ["cookie", "x-early-stop-shadow"],
    }


def test_where_both_speak_of_one_header_ours_holds_however_it_is_spelled() -> None:
    before = [
        theirs(
            set=named("X-Early-Stop-Variant"),
            add=named("x-early-stop-VARIANT", "X-Early-Stop-Shadow"),
            remove=["X-Early-Stop-Shadow", "x-early-stop-variant"],
        )
    ]
    assert with_filter(before, OURS) == [as_filter(OURS)]


def test_merging_changes_none_of_the_users_filters() -> None:
    before = [theirs(set=named("x-model"))]
    with_filter(before, OURS)
    assert before == [theirs(set=named("x-model"))]


def test_shadows_are_a_list_with_parameters() -> None:
    assert shadow_headers("x-", split(0, shadows=2).shadows) == {
        "x-shadow": "w10;window=10;patience=2.5, w5;window=5;patience=2.5"
    }
    assert shadow_headers("x-", ()) == {}


def test_a_shadow_that_nobody_asked_for_is_removed() -> None:
    settings = {"x-early-stop-param-window": "10", "x-early-stop-param-patience": "2.5"}
    assert modifier(inputs(), settings)["remove"] == ["x-early-stop-shadow"]
    assert "remove" not in modifier(inputs(), {**settings, "x-early-stop-shadow": "w10;window=10"})


def test_a_parameter_that_a_variant_leaves_to_clients_is_removed_where_one_forged_it() -> None:
    assert "x-early-stop-param-window" in modifier(inputs(), {"x-early-stop-variant": "baseline"})["remove"]
