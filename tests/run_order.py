"""The order of test files: first those without a cluster, then those with one; among both the longest first.

Workers take tests in this order, and of those with a cluster whole files (`--dist loadfile --no-loadscope-reorder`), so
no worker begins a long file when the others are done. No test depends on it.
"""

from __future__ import annotations

import pytest

WITH_A_CLUSTER = ("tests/cluster", "tests/faults", "tests/e2e")
SECONDS = {
    "tests/bench/test_quick_statistics.py": 530,
    "tests/simulations/test_street.py": 340,
    "tests/simulations/test_searches.py": 330,
    "tests/simulations/test_search_machine.py": 200,
    "tests/simulations/test_ab_test_machine.py": 200,
    "tests/simulations/test_class_map_errors.py": 180,
    "tests/simulations/test_report_replay.py": 160,
    "tests/simulations/test_errors_over_a_rollout.py": 75,
    "tests/simulations/test_ramps.py": 25,
    "tests/simulations/test_forecasts.py": 24,
    "tests/simulations/test_convention_worlds.py": 18,
    "tests/simulations/test_compaction_worlds.py": 15,
    "tests/processes/test_evaluator.py": 14,
    "tests/simulations/test_template_worlds.py": 10,
    "tests/simulations/test_room.py": 10,
    "tests/e2e/test_several.py": 620,
    "tests/e2e/test_rollout.py": 555,
    "tests/faults/test_operator.py": 400,
    "tests/faults/test_silence.py": 420,
    "tests/faults/test_forbidden_writes.py": 240,
    "tests/faults/test_hostile_tenant.py": 145,
    "tests/e2e/test_in_service.py": 260,
    "tests/faults/test_verbs.py": 200,
    "tests/faults/test_unserved_candidate.py": 190,
    "tests/faults/test_three_people.py": 130,
    "tests/faults/test_approvals_attacked.py": 120,
    "tests/cluster/test_custom_counts.py": 85,
    "tests/e2e/test_stock_engine.py": 160,
    "tests/faults/test_users_edits.py": 150,
    "tests/faults/test_bad_answers.py": 125,
    "tests/faults/test_deleted_midway.py": 150,
    "tests/e2e/test_workload.py": 125,
    "tests/faults/test_api_server.py": 120,
    "tests/e2e/test_search_ways.py": 120,
    "tests/faults/test_metrics.py": 140,
    "tests/faults/test_lost_data.py": 110,
    "tests/faults/test_crds.py": 100,
    "tests/e2e/test_forged.py": 100,
    "tests/faults/test_hooks.py": 100,
    "tests/e2e/test_search.py": 100,
    "tests/e2e/test_real_engine.py": 100,
    "tests/faults/test_bad_gateway.py": 100,
    "tests/cluster/test_label_faults.py": 45,
    "tests/e2e/test_sticky_sessions.py": 90,
    "tests/e2e/test_injector_split.py": 85,
    "tests/cluster/test_image.py": 75,
    "tests/e2e/test_mounted_settings.py": 75,
    "tests/cluster/test_real_counts.py": 70,
    "tests/cluster/test_other_routes.py": 70,
    "tests/cluster/test_rendered_objects.py": 50,
    "tests/faults/test_replaced_services.py": 190,
    "tests/faults/test_leaving.py": 65,
    "tests/faults/test_refusals.py": 60,
    "tests/e2e/test_whole.py": 60,
    "tests/e2e/test_dashboard.py": 60,
    "tests/e2e/test_custom_preset.py": 60,
    "tests/cluster/test_metric_source.py": 55,
    "tests/cluster/test_modes.py": 53,
    "tests/e2e/test_evaluator.py": 50,
    "tests/e2e/test_slow_answers.py": 50,
    "tests/cluster/test_kit.py": 40,
    "tests/cluster/test_packaging.py": 40,
    "tests/faults/test_credentials.py": 35,
    "tests/e2e/test_unscored.py": 35,
    "tests/cluster/test_feedback.py": 30,
    "tests/cluster/test_inference_pools.py": 30,
    "tests/cluster/test_recorded_counts.py": 25,
    "tests/cluster/test_release.py": 20,
    "tests/cluster/test_guards.py": 20,
    "tests/cluster/test_following.py": 20,
    "tests/cluster/test_record.py": 15,
}
"""About how long a file takes with its fixtures, as measured beside others on two busy cores; a file that is not named
is short. Only their order matters."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Sorts files; the tests of a file, and files of equal rank, stay in the order in which they were collected."""
    items.sort(key=lambda item: rank(item.nodeid.split("::")[0]))


def rank(file: str) -> tuple[bool, int]:
    """Sort key of a file, named from the checkout's root with slashes."""
    return is_with_a_cluster(file), -SECONDS.get(file, 0)


def is_with_a_cluster(file: str) -> bool:
    """Whether a file, named so, is in one of the folders whose tests share a cluster, at any depth."""
    return file.startswith(tuple(f"{folder}/" for folder in WITH_A_CLUSTER))
