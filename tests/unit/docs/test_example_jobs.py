"""The Jobs that an example runs are its own, and do what they are named for."""

from __future__ import annotations

from pathlib import Path

import yaml

from earlystop.cli.files.yaml_values import SAFE_LOADER

HOOKS = Path(__file__).parents[3] / "manifests" / "examples" / "hooks.yaml"


def test_a_gate_and_a_hook_run_cron_jobs_of_their_own_that_the_example_has() -> None:
    objects = list(yaml.load_all(HOOKS.read_text(), Loader=SAFE_LOADER))
    there = {each["metadata"]["name"] for each in objects if each["kind"] == "CronJob"}
    (spec,) = (each["spec"] for each in objects if each["kind"] == "EarlyStopPolicy")
    gates = {each["jobRef"]["name"] for each in spec["rollout"]["gates"] if "jobRef" in each}
    hooks = {each["jobRef"]["name"] for each in spec["hooks"] if "jobRef" in each}
    assert gates and hooks and not gates & hooks
    assert gates | hooks == there
