"""What a command says when a cluster, a right or an object is missing: one sentence, and what to do."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from earlystop.cli.endings import EXIT_CODES
from earlystop.cli.main import app
from earlystop.controller.cluster import Manifest
from earlystop.rollout.state import ENDED
from tests.cluster.objects import verdict
from tests.unit.cli.api_server import answering, api_with, refused, use_kubeconfig
from tests.unit.cli.asking_commands import COMMANDS as ASKING
from tests.unit.controller.tracked_policies import manifest
from tests.unit.metrics.source.faulty_server import Handler
from tests.unit.rollout.states import REACHED

VERBS = ("status", "watch", "explain", "wait", "get", "pause", "resume", "abort", "retry", "promote", "verify")
NO_CLUSTER = {
    "a file that is not there": None,
    "a directory": "",
    "text": "no kubeconfig\n",
    "a list": "- 1\n",
    "broken": "a: [\n",
    "without clusters": "apiVersion: v1\nkind: Config\ncurrent-context: x\n",
    "with a context of nothing": "contexts: [{name: x, context: {}}]\ncurrent-context: x\n",
    "binary": "\x00\x01",
}


def run(*words: str) -> Result:
    return CliRunner().invoke(app, list(words), input="n\n")


def ensure_sentence(result: Result, *parts: str) -> None:
    assert result.exit_code == 1 and isinstance(result.exception, SystemExit), (result.output, result.exception)
    assert result.stderr.startswith("Error: ") and result.stderr.count("\n") == 1, result.stderr
    assert not [part for part in parts if part not in result.stderr], result.stderr


@pytest.mark.parametrize("kind", NO_CLUSTER)
def test_without_a_usable_kubeconfig_every_command_says_so_in_the_same_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    path, content = tmp_path / "config", NO_CLUSTER[kind]
    if content == "":
        path.mkdir()
    elif content is not None:
        path.write_text(content)
    use_kubeconfig(path, monkeypatch)
    for words in (*([verb, "qa"] for verb in VERBS), ["list"]):
        ensure_sentence(run(*words), "KUBECONFIG")


@pytest.mark.slow
def test_a_policy_that_is_not_there_is_answered_with_the_nearest_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with api_with([manifest(REACHED["observing"], name="qa-server")], tmp_path, monkeypatch):
        for verb in VERBS[:-1]:
            ensure_sentence(run(verb, "qa-sever"), "There is no policy qa-sever in namespace llm; perhaps qa-server is")
        ensure_sentence(run("status", "x"), "There is no policy x in namespace llm; there are qa-server; name another")
        for words in ("esp/qa-server", "earlystoppolicy/qa-server"):
            ensure_sentence(run("status", words), "cannot be a name; write qa-server alone.")


def test_a_policy_without_a_verdict_is_told_from_a_name_that_nothing_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def answer(handler: Handler) -> None:
        path = handler.path.split("?")[0]
        if path.endswith("/earlystopverdicts"):
            handler.reply(200, json.dumps({"items": [], "metadata": {}}).encode())
        elif path.endswith("/earlystoppolicies/qa"):
            handler.reply(200, json.dumps(manifest(REACHED["observing"])).encode())
        else:
            refused(handler, 404, "not found")

    with answering(answer, tmp_path, monkeypatch):
        for command in ("verify", "statement"):
            told = "There is no verdict qa in namespace llm; qa is a policy that has none yet"
            ensure_sentence(run(command, "qa"), told, "kubectl earlystop status qa -n llm")
            ensure_sentence(run(command, "other"), "There is no verdict other in namespace llm; name another with")


@pytest.mark.slow
@pytest.mark.parametrize("is_of_known_group", [False, True])
def test_a_cluster_without_the_kinds_is_told_from_one_without_the_policy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_of_known_group: bool
) -> None:
    """Of a group that it does not know, an API server answers with a page; of a kind within one, with a Status."""

    def answer(handler: Handler) -> None:
        if is_of_known_group:
            refused(handler, 404, "the server could not find the requested resource")
        else:
            handler.reply(404, b"404 page not found\n")

    with answering(answer, tmp_path, monkeypatch):
        for command in (*ASKING, ("class-map", "qa"), ("effort-map", "qa"), ("watch", "qa")):
            ensure_sentence(run(*command), "his cluster knows no earlystop", "CRDs are not installed")


@pytest.mark.parametrize("words", [["status", "qa"], ["list"], ["pause", "qa"], ["verify", "qa"]])
def test_a_right_that_is_missing_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str]) -> None:
    def answer(handler: Handler) -> None:
        refused(handler, 403, 'earlystoppolicies is forbidden: User "eve" cannot get resource "earlystoppolicies"')

    with answering(answer, tmp_path, monkeypatch):
        kind = "earlystopverdicts" if words[0] == "verify" else "earlystoppolicies"
        verb = "list" if words[0] == "list" else "get"
        ensure_sentence(run(*words), f"The verb {verb} on {kind}.earlystop.dev, as in the role `view`, is needed")


def test_what_an_admission_policy_refuses_is_no_missing_right(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with answering(lambda handler: refused(handler, 403, "denied request: sign it"), tmp_path, monkeypatch):
        result = run("status", "qa")
        ensure_sentence(result, "The API server refuses it: denied request: sign it.")
        assert "role" not in result.stderr


@pytest.mark.slow
def test_an_answer_that_is_none_ends_in_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for status, body in ((200, b"<html>"), (200, b"[]"), (500, b""), (302, b""), (401, b"{}")):
        with answering(lambda handler, status=status, body=body: handler.reply(status, body), tmp_path, monkeypatch):
            ensure_sentence(run("status", "qa"))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["promoted", "rolled back", "held", "reported"])
def test_watching_ends_with_the_rollout_and_its_exit_status_says_how(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    state = next(each for each in REACHED.values() if each.phase.value.lower() == name.replace(" ", ""))
    with api_with([manifest(state)], tmp_path, monkeypatch):
        assert run("watch", "qa").exit_code == 0
        result = run("watch", "qa", "--exit-status")
        assert result.exit_code == EXIT_CODES[state.phase.value]
        assert result.stdout.count("\n") == 1 and state.phase.value in result.stdout


def test_every_phase_in_which_a_rollout_ends_has_an_exit_status() -> None:
    assert {phase.value for phase in ENDED} == set(EXIT_CODES)


@pytest.mark.slow
def test_a_name_is_that_of_a_verdict_in_the_cluster_and_a_path_that_of_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored = json.loads(json.dumps(verdict("llm")))
    name = stored["metadata"]["name"]
    monkeypatch.chdir(tmp_path)
    Path(name).write_text("kind: ConfigMap\n")
    with api_with([stored], tmp_path, monkeypatch):
        assert run("verify", name).exit_code == 0
        ensure_sentence(run("verify", f"./{name}"), "holds no EarlyStopVerdict, only: ConfigMap")
        ensure_sentence(run("verify", f"{name}.yaml"), "cannot be read: No such file")


def hostile(policy: Manifest) -> Manifest:
    for condition in policy["status"]["conditions"]:
        condition["message"] = "\x1b[2J\x1b]0;owned\x07" + condition["message"]
    policy["metadata"]["annotations"] = {"earlystop.dev/retry": "\x1b[2J", "earlystop.dev/abort": "\x9b2J"}
    return policy


@pytest.mark.slow
def test_no_command_writes_to_the_terminal_what_an_object_holds_to_control_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with api_with([hostile(manifest(REACHED["observing"]))], tmp_path, monkeypatch):
        for words in (["status", "qa"], ["list"], ["status", "qa", "-o", "json"], ["status", "qa", "-o", "yaml"]):
            result = run(*words)
            assert result.exit_code == 0
            assert all(each.isprintable() for each in result.output.replace("\n", "")), result.output
        for verb in ("pause", "abort", "retry", "promote"):
            assert "\x1b" not in run(verb, "qa").output and "\x9b" not in run(verb, "qa").output
    changed_verdict = json.loads(json.dumps(verdict("llm")))
    changed_verdict["spec"] |= {"message": "\x1b[2J", "effect": "\x1b[31m"}
    with api_with([changed_verdict], tmp_path, monkeypatch):
        result = run("verify", changed_verdict["metadata"]["name"])
        assert result.exit_code == 1 and all(each.isprintable() for each in result.output.replace("\n", ""))
