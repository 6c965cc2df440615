"""A wrong option of the operator is answered with what may be written, before anything starts."""

from __future__ import annotations

import re
from ipaddress import ip_network
from pathlib import Path

import pytest

from earlystop.controller.options import LogLevel, options_of, settings_in
from tests.unit.controller.interpreters import run

ROOT = Path(__file__).parents[3]


def _answer(argument: str, capsys: pytest.CaptureFixture[str]) -> str:
    with pytest.raises(SystemExit) as ended:
        settings_in([argument])
    assert ended.value.code == 2
    return capsys.readouterr().err


def test_a_level_of_the_log_that_is_none_is_answered_with_those_that_are(capsys: pytest.CaptureFixture[str]) -> None:
    answer = _answer("--log-level=verbose", capsys)
    assert all(level in answer for level in ("verbose", *LogLevel)), answer


@pytest.mark.parametrize("days", ["-1", "many", "", "1.5", "\u0663", "1_0"])
def test_days_that_are_no_number_from_zero_on_are_refused(days: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert f"--keep-days: {days!r} is no number from 0 on" in _answer(f"--keep-days={days}", capsys)


@pytest.mark.parametrize("port", ["-1", "65536", "9" * 5000, "http", "", "\u0668"])
def test_a_port_that_nothing_can_listen_on_is_refused(port: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert f"--port: {port!r} is no port from 0 to 65535" in _answer(f"--port={port}", capsys)


@pytest.mark.parametrize("name", ["", "a,b", "llm-*", "!llm", "LLM", "-llm", "llm\n", "a" * 64])
def test_a_namespace_is_one_name_and_no_pattern_by_which_others_would_be_watched(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert f"--namespace: {name!r} is no name of a namespace" in _answer(f"--namespace={name}", capsys)


def test_a_network_that_is_none_is_answered_with_how_one_is_written(capsys: pytest.CaptureFixture[str]) -> None:
    assert "'cluster' is no network; write it as 203.0.113.0/24" in _answer("--refused-network=cluster", capsys)


def test_an_option_is_not_guessed_from_its_beginning(capsys: pytest.CaptureFixture[str]) -> None:
    assert "--serve" in _answer("--serve", capsys)


def test_without_options_everything_is_served_and_only_what_needs_no_right_of_its_own_is_done(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    read = options_of(settings_in([]))
    assert (read.port, read.namespaces, read.injector_image, read.policy_metrics) == (8080, [], "", True)
    assert not any((read.gateway_bodies, read.inference_pools, read.serve_reports))


def test_options_that_are_repeated_are_all_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    given = ["--namespace=a", "--namespace=b", "--refused-network=203.0.113.9/24", "--refused-network=2001:db8::/32"]
    read = options_of(settings_in([*given, "--no-policy-metrics", "--keep-verdicts=3"]))
    assert read.namespaces == ["a", "b"] and not read.policy_metrics
    assert {ip_network("203.0.113.0/24"), ip_network("2001:db8::/32")} <= set(read.refused_networks)
    assert read.record.retention.verdicts == 3


@pytest.mark.slow
def test_every_option_that_the_chart_gives_is_one() -> None:
    pod = (ROOT / "charts" / "earlystop" / "templates" / "deployment.yaml").read_text()
    given = set(re.findall(r"^ +- (--[a-z-]+)", pod, re.MULTILINE))
    helped = run("from earlystop.controller.main import run; run(['--help'])")
    assert len(given) > 8 and [each for each in given if each not in helped] == []


@pytest.mark.slow
def test_the_operator_loads_no_library_for_commands_with_screens() -> None:
    program = (
        "import sys, earlystop.controller.main; print([each for each in ('typer', 'rich') if each in sys.modules])"
    )
    assert run(program) == "[]"
