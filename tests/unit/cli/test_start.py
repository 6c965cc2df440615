"""Commands start at once: none imports what only others need. Each is a process, as a shell starts it."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
from importlib import import_module
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from earlystop.cli.kubeconfig import namespace_in_kubeconfig
from earlystop.cli.main import COMMANDS, app
from tests.processes.environment import environment
from tests.unit.cli.api_server import answering, api_with, use_kubeconfig
from tests.unit.cli.shown_policies import policy_in
from tests.unit.metrics.source.certificates import Authority
from tests.unit.metrics.source.faulty_server import Handler

POLICY = str(Path(__file__).parents[3] / "manifests" / "examples" / "policy.yaml")
PAGE = Path(__file__).parents[3] / "operator" / "docs" / "commands.md"
HEAVY = ("aiohttp", "kopf", "kubernetes", "numpy", "prompt_toolkit", "prometheus_api_client", "requests", "scipy")
LIGHT = {
    "--version": ["--version"],
    "--help": ["--help"],
    "validate": ["validate", POLICY],
    "plan": ["plan", POLICY],
}
NEEDED = {"plan": {"numpy"}}
"""What a light command cannot do without: a plan draws random walks."""

PROGRAM = """
import sys
from earlystop.cli.main import app
try:
    app(sys.argv[1:])
finally:
    print("imported", *sorted(each for each in sys.modules if "." not in each), file=sys.stderr)
"""


@pytest.mark.slow
@pytest.mark.parametrize("name", LIGHT)
def test_what_needs_no_cluster_and_no_simulation_imports_the_libraries_of_neither(name: str) -> None:
    command = [sys.executable, "-c", PROGRAM, *LIGHT[name]]
    done = subprocess.run(command, env=environment(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    imported = done.stderr.rsplit("imported ", 1)[1].split()
    assert not set(HEAVY) & set(imported) - NEEDED.get(name, set())


HELP_OF_EACH = """
import sys
from contextlib import redirect_stdout
from io import StringIO
from earlystop.cli.main import COMMANDS, app
for name in COMMANDS:
    with redirect_stdout(StringIO()) as text:
        app([name, "--help"], standalone_mode=False)
    assert "Usage: " in text.getvalue(), name
    assert COMMANDS[name].module.startswith("earlystop.cli.commands."), name
    loaded = {each for each in sys.modules if each.partition(".")[0] == "earlystop"}
    heavy = set(sys.argv[1:]) & sys.modules.keys()
    print(name, *sorted(heavy | {each for each in loaded if "earlystop.cli.commands" not in each}))
"""
DECLARED_BY = {
    "earlystop",
    "earlystop.cli",
    "earlystop.cli.durations",
    "earlystop.cli.failure",
    "earlystop.cli.lazy_commands",
    "earlystop.cli.main",
    "earlystop.cli.options",
    "earlystop.cli.short_process",
    "earlystop.own_variables",
}
"""All of ours that options and help take, beside `cli/commands`: no kind, no client, no screen, no arithmetic."""


@pytest.mark.slow
def test_the_help_of_no_command_loads_anything_of_what_commands_do() -> None:
    command = [sys.executable, "-c", HELP_OF_EACH, *HEAVY, "rich", "yaml"]
    done = subprocess.run(command, env=environment(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    rows = [line.split() for line in done.stdout.splitlines()]
    assert [name for name, *_ in rows] == list(COMMANDS)
    assert [(name, set(loaded) - DECLARED_BY) for name, *loaded in rows if set(loaded) - DECLARED_BY] == []


LINES = """
import sys
from earlystop.cli.main import app
try:
    app(sys.argv[1:])
finally:
    print("loaded", *sorted(each for each in sys.modules), file=sys.stderr)
"""
OF_CAMPAIGNS = ("earlystop.api.policy", "earlystop.api.verdict", "earlystop.evidence", "earlystop.rollout.state")
"""Kinds, and what judges: most of what there is to load."""


@pytest.mark.slow
@pytest.mark.parametrize("form", ["lines", "wide", "json", "yaml"])
def test_policies_in_a_line_each_are_read_without_their_kind_or_campaign(
    form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with api_with([policy_in("observing claims"), policy_in("promoted and guarded")], tmp_path, monkeypatch):
        command = [sys.executable, "-c", LINES, "get", *([] if form == "lines" else ["-o", form])]
        variables = environment() | {"KUBECONFIG": str(tmp_path / "kubeconfig")}
        done = subprocess.run(command, env=variables, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    loaded = set(done.stderr.rsplit("loaded ", 1)[1].split())
    assert "earlystop.controller.cluster" in loaded
    assert not {*OF_CAMPAIGNS, "numpy", "scipy"} & loaded


@pytest.mark.slow
@pytest.mark.skipif(not yaml.__with_libyaml__, reason="PyYAML was built without libyaml")
def test_no_kubeconfig_is_read_by_the_slow_parser(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with api_with([policy_in("observing claims")], tmp_path, monkeypatch):
        program = (
            "import sys, yaml; yaml.SafeLoader.__init__ = None; from earlystop.cli.main import app;"
            "app(['get', 'qa', '-o', 'json'])"
        )
        variables = environment() | {"KUBECONFIG": str(tmp_path / "kubeconfig")}
        done = subprocess.run(
            [sys.executable, "-c", program], env=variables, capture_output=True, text=True, check=False
        )
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.slow
def test_a_kubeconfig_is_read_once_so_that_another_commands_output_can_be_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with api_with([policy_in("observing claims")], tmp_path, monkeypatch):
        command = f"KUBECONFIG=<(cat {tmp_path}/kubeconfig) {sys.executable} -m earlystop.cli"
        for words in ("get", "get qa", "status qa -o json", "explain qa"):
            done = subprocess.run(
                ["bash", "-c", f"{command} {words}"], env=environment(), capture_output=True, text=True, timeout=60
            )
            assert (done.returncode, done.stderr) == (0, ""), words


def test_a_kubeconfig_that_was_changed_is_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use_kubeconfig(tmp_path / "kubeconfig", monkeypatch)
    for namespace in ("llm", "chat"):
        (tmp_path / "kubeconfig").write_text(
            f"contexts: [{{name: a, context: {{cluster: c, namespace: {namespace}}}}}]\ncurrent-context: a\n"
        )
        assert namespace_in_kubeconfig(None) == namespace


OF_CAMPAIGNS_UNDER_WAY = ("earlystop.rollout.state", "earlystop.evidence.engine", "earlystop.api.status.policy")
OF_WHAT_LOOKS_TEACH = tuple(
    f"earlystop.evidence.{name}"
    for name in ("arm_scatter", "attrition", "divisors", "lasting_groups", "rate_ratio", "sample_ratio", "user_factors")
)
"""What learns from looks how much answers scatter, and which are missing: a file holds none."""


@pytest.mark.slow
@pytest.mark.parametrize("name", ["validate", "plan"])
def test_a_file_is_checked_and_planned_without_what_campaigns_under_way_are_made_of(name: str) -> None:
    command = [sys.executable, "-c", LINES, *LIGHT[name]]
    done = subprocess.run(command, env=environment(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    loaded = set(done.stderr.rsplit("loaded ", 1)[1].split())
    assert not {*OF_CAMPAIGNS_UNDER_WAY, *OF_WHAT_LOOKS_TEACH, "numpy.ma"} & loaded


TRUSTING = """
import os, sys
from earlystop.cli.main import app
try:
    app(sys.argv[1:])
finally:
    from aiohttp.connector import _SSL_CONTEXT_VERIFIED
    print(len(_SSL_CONTEXT_VERIFIED.get_ca_certs()), os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR"))
"""


@pytest.mark.slow
def test_what_the_system_trusts_is_read_for_the_connection_that_needs_it_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority = Authority(tmp_path)
    tls = authority.issue("server", "IP:127.0.0.1").serving()

    def answer(handler: Handler) -> None:
        handler.reply(200, json.dumps(policy_in("observing claims")).encode())

    with answering(answer, tmp_path, monkeypatch, tls):
        command = [sys.executable, "-c", TRUSTING, "get", "qa", "-o", "json"]
        by_default = {name: value for name, value in environment().items() if not name.startswith("SSL_CERT_")}
        for named, trusted in (({"SSL_CERT_FILE": str(authority.pair.certificate)}, True), ({}, False)):
            variables = by_default | {"KUBECONFIG": str(tmp_path / "kubeconfig"), **named}
            done = subprocess.run(command, env=variables, capture_output=True, text=True, timeout=60, check=False)
            assert (done.returncode == 0) is trusted, done.stderr
            assert trusted or "certificate is not one that the kubeconfig trusts" in done.stderr
            assert done.stdout.splitlines()[-1] == f"0 {named.get('SSL_CERT_FILE')} None"


SCREEN = """
import sys, json, time
from earlystop.cli.screen.reading import remaining_of
policy = json.loads(sys.argv[1])
print(remaining_of(policy, time.time()), "numpy" in sys.modules)
"""


@pytest.mark.slow
@pytest.mark.parametrize("name", ["observing claims", "promoted"])
def test_a_screen_without_a_forecast_waits_for_no_library_of_numbers(name: str) -> None:
    command = [sys.executable, "-c", SCREEN, json.dumps(policy_in(name))]
    done = subprocess.run(command, env=environment(), capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("None False\n", "")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("validate - <&-", "There is no EarlyStopPolicy in the standard input"),
        ("verify /dev/zero", "/dev/zero has more than 8 MiB"),
        ("validate /proc/self/mem", "cannot be read"),
        ("--help >/dev/full", "the output cannot be written: No space left on device"),
        ("--help >&-", ""),
        ("--help | head -c 1", ""),
    ],
)
def test_a_stream_that_is_closed_full_or_endless_ends_with_a_sentence_at_most(command: str, said: str) -> None:
    program = f"{sys.executable} -m earlystop.cli {command}"
    done = subprocess.run(["sh", "-c", program], env=environment(), capture_output=True, text=True, check=False)
    lines = done.stderr.splitlines()
    assert len(lines) == bool(said) and all(said in each for each in lines), done.stderr
    assert done.returncode == bool(said)


INTERRUPTED = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # which a background may have had ignored
from earlystop.cli.main import run
sys.argv = ["kubectl-earlystop", *sys.argv[1:]]
run()
"""


@pytest.mark.slow
@pytest.mark.parametrize("words", [("status", "qa"), ("watch", "qa"), ("pause", "qa"), ("verify", "--chain", "qa")])
def test_ctrl_c_ends_a_command_that_waits_for_a_cluster_with_130_and_no_traceback(
    words: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, ended = threading.Event(), threading.Event()

    def answer(_: Handler) -> None:
        asked.set()
        ended.wait(60)

    with answering(answer, tmp_path, monkeypatch):
        command = [sys.executable, "-c", INTERRUPTED, *words]
        variables = environment() | {"KUBECONFIG": str(tmp_path / "kubeconfig")}
        process = subprocess.Popen(command, env=variables, stderr=subprocess.PIPE, text=True)
        try:
            assert asked.wait(60)
            process.send_signal(signal.SIGINT)
            said = process.communicate(timeout=60)[1]
        finally:
            process.kill()
            ended.set()
    assert process.returncode == 130 and "Traceback" not in said


def test_the_list_of_commands_says_of_each_what_its_own_help_says() -> None:
    for name, command in COMMANDS.items():
        text = getattr(import_module(command.module), command.function).__doc__
        assert text.startswith(command.help.removesuffix(".")), name


def test_the_page_of_commands_has_all_of_them_in_the_words_of_the_help() -> None:
    rows = [line for line in PAGE.read_text().splitlines() if line.startswith("| `")]
    assert rows == [f"| `{name}` | {command.help} |" for name, command in COMMANDS.items()]


def test_help_names_every_command_without_importing_any() -> None:
    text = CliRunner().invoke(app, ["--help"]).output
    assert all(f"  {name} " in text for name in COMMANDS)
