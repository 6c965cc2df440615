"""What a stranger gets wrong is answered in one style: a sentence with one full stop that says what to write."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner, Result

from earlystop.api.crds import definitions
from earlystop.cli.kubeconfig import SEPARATOR, namespace_in_kubeconfig, usable_kubeconfig
from earlystop.cli.main import app
from tests.cluster.objects import changed, policy, verdict
from tests.unit.cli.api_server import use_kubeconfig
from tests.unit.cli.bad_files import right_policy
from tests.unit.cli.wrong_words import COMMAND_LINES, KUBECONFIGS, OBJECTS, SUPPOSITIONS, TEXTS

RIGHT_KUBECONFIG = (
    "contexts: [{name: a, context: {cluster: c}}]\nclusters: [{name: c, cluster: {server: 'https://x'}}]\n"
)
ROOT = Path(__file__).parents[3]
LIBRARYS_WORDS = ("Value error", "Input should", "Traceback", "NoneType")


def ensure_style(result: Result, code: int) -> str:
    """The sentences of a command that failed, on both outputs, once their style is right."""
    assert result.exit_code == code and isinstance(result.exception, SystemExit), (result.output, result.exception)
    assert not [each for each in LIBRARYS_WORDS if each in result.output], result.output
    assert not [line for line in result.output.splitlines() if line.endswith("..") and not line.startswith("Usage")]
    return " ".join(result.output.split())


@pytest.mark.parametrize("name", COMMAND_LINES)
def test_wrong_words_are_answered_with_code_2_and_what_to_write(tmp_path: Path, name: str) -> None:
    words, says = COMMAND_LINES[name]
    right = str(right_policy(tmp_path))
    assert says in ensure_style(CliRunner().invoke(app, [right if word == "RIGHT" else word for word in words]), 2)


@pytest.mark.parametrize("name", SUPPOSITIONS)
def test_plan_and_simulate_answer_what_no_traffic_fulfils_with_the_same_sentence(tmp_path: Path, name: str) -> None:
    words, says = SUPPOSITIONS[name]
    right = str(right_policy(tmp_path))
    answers = {ensure_style(CliRunner().invoke(app, [verb, right, *words]), 1) for verb in ("plan", "simulate")}
    assert len(answers) == 1 and says in answers.pop()


def test_plan_and_simulate_refuse_the_same_pairs_that_leave_no_room_for_both_variants() -> None:
    shadow = str(ROOT / "manifests" / "examples" / "shadow.yaml")
    words = [shadow, "--baseline-em=1", "--discordance=1"]
    answers = {ensure_style(CliRunner().invoke(app, [verb, *words]), 1) for verb in ("plan", "simulate")}
    assert len(answers) == 1 and "write a discordance of at most that" in answers.pop()


@pytest.mark.slow
@pytest.mark.parametrize("name", OBJECTS)
def test_what_is_wrong_with_an_object_beside_a_right_policy_is_one_line_of_validate(tmp_path: Path, name: str) -> None:
    path, value, says = OBJECTS[name]
    file = tmp_path / "policies.yaml"
    file.write_text(yaml.safe_dump_all([policy(name="right"), changed(policy(), path, value)]))
    result = CliRunner().invoke(app, ["validate", str(file)])
    assert says in ensure_style(result, 1)
    assert result.stdout.count("\n") == 1 and result.stdout.endswith(".\n") and not result.stderr


@pytest.mark.slow
def test_objects_of_others_are_passed_over_whatever_they_are_called(tmp_path: Path) -> None:
    file = tmp_path / "all.yaml"
    others = [
        {"apiVersion": "v1", "kind": kind, "metadata": {"name": "x"}}
        for kind in ("Service", "EventSource", "EarlyWarning")
    ]
    file.write_text(yaml.safe_dump_all([*others, policy()]))
    assert CliRunner().invoke(app, ["validate", str(file)]).exit_code == 0


@pytest.mark.slow
def test_every_kind_of_the_crds_may_stand_beside_a_policy(tmp_path: Path) -> None:
    of_ours = sorted({crd["spec"]["names"]["kind"] for crd in definitions().values()} - {"EarlyStopPolicy"})
    assert {"EarlyStopProposal", "EarlyStopVerdict", "MetricSource"} <= set(of_ours)
    file = tmp_path / "all.yaml"
    beside = [{"apiVersion": "earlystop.dev/v1alpha1", "kind": kind, "metadata": {"name": "x"}} for kind in of_ours]
    file.write_text(yaml.safe_dump_all([*beside, policy()]))
    result = CliRunner().invoke(app, ["validate", str(file)])
    assert result.exit_code == 0, result.output


@pytest.mark.parametrize("path", sorted((ROOT / "manifests" / "examples").glob("*.yaml")), ids=lambda each: each.name)
def test_validate_finds_no_fault_in_any_file_of_the_examples(tmp_path: Path, path: Path) -> None:
    right = tmp_path / "right.yaml"
    right.write_text(yaml.safe_dump(policy()))
    result = CliRunner().invoke(app, ["validate", str(path), str(right)])
    assert result.exit_code == 0, result.output


def test_right_metadata_of_every_sort_is_taken(tmp_path: Path) -> None:
    metadata = {
        "name": "a.b-c",
        "namespace": "llm",
        "labels": {"app.kubernetes.io/name": "qa_1.2", "empty": ""},
        "annotations": {"Example.com/Team": "any text: at all", "note": ""},
        "ownerReferences": [],
        "generation": 5,
    }
    file = tmp_path / "policy.yaml"
    file.write_text(yaml.safe_dump({**policy(), "metadata": metadata}))
    assert CliRunner().invoke(app, ["validate", str(file)]).exit_code == 0


@pytest.mark.parametrize("name", TEXTS)
@pytest.mark.parametrize("verb", ["validate", "plan", "verify"])
def test_a_key_that_stands_twice_and_what_is_no_object_are_refused_by_every_command(
    tmp_path: Path, name: str, verb: str
) -> None:
    text, says = TEXTS[name]
    file = tmp_path / "file.yaml"
    file.write_text(text)
    assert says in ensure_style(CliRunner().invoke(app, [verb, str(file)]), 1)


def test_a_key_that_a_merge_overrides_stands_once(tmp_path: Path) -> None:
    file = tmp_path / "policy.yaml"
    file.write_text(yaml.safe_dump(policy()).replace("metadata:\n", "metadata:\n  <<: {name: x}\n", 1))
    assert CliRunner().invoke(app, ["validate", str(file)]).exit_code == 0


def test_verify_reads_standard_input_for_a_hyphen() -> None:
    result = CliRunner().invoke(app, ["verify", "-"], input=yaml.safe_dump(verdict()))
    assert result.exit_code == 0 and "follows from its" in result.stdout


@pytest.mark.parametrize("name", KUBECONFIGS)
def test_a_kubeconfig_that_leads_nowhere_is_explained_in_words_for_its_owner(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    text, says = KUBECONFIGS[name]
    path = tmp_path / "config"
    path.write_text(text)
    use_kubeconfig(path, monkeypatch)
    answer = ensure_style(CliRunner().invoke(app, ["status", "qa"]), 1)
    assert answer.startswith("Error: The ") and says in answer and str(path) in answer


def test_a_kubeconfig_of_several_files_is_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "one").write_text(RIGHT_KUBECONFIG)
    (tmp_path / "two").write_text("current-context: a\n")
    use_kubeconfig(tmp_path / f"one{SEPARATOR}{tmp_path / 'two'}{SEPARATOR}{tmp_path / 'none'}", monkeypatch)
    merged = usable_kubeconfig(None)
    assert merged is not None and merged["current-context"] == "a"


def test_files_that_a_kubeconfig_names_are_those_beside_the_file_that_names_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
    (tmp_path / "one" / "config").write_text(
        "contexts: [{name: a, context: {cluster: c, user: u, namespace: llm}}]\ncurrent-context: a\n"
        "clusters: [{name: c, cluster: {server: 'https://x', certificate-authority: ca.crt}}]\n"
    )
    (tmp_path / "two" / "config").write_text(
        "users: [{name: u, user: {client-certificate: sub/u.crt, client-key: /keys/u.key}}]\n"
        "clusters: [{name: c, cluster: {server: 'https://y'}}]\n"
    )
    use_kubeconfig(Path(SEPARATOR.join(str(tmp_path / folder / "config") for folder in ("one", "two"))), monkeypatch)
    merged = usable_kubeconfig(None)
    assert merged is not None
    (cluster,), (user,) = merged["clusters"], merged["users"]
    assert cluster["cluster"] == {"server": "https://x", "certificate-authority": str(tmp_path / "one" / "ca.crt")}
    assert user["user"] == {"client-certificate": str(tmp_path / "two" / "sub/u.crt"), "client-key": "/keys/u.key"}
    assert namespace_in_kubeconfig(None) == "llm"


def test_names_that_kubernetes_does_not_take_are_refused_before_anything_is_asked() -> None:
    for words in (["list", "-n", "a/b"], ["pause", "qa", "-n", ""]):
        assert "cannot be a name" in ensure_style(CliRunner().invoke(app, words), 1)


def test_a_user_without_credentials_is_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "config").write_text(
        "contexts: [{name: a, context: {cluster: c, user: u}}]\nclusters: [{name: c, cluster: {server: 'https://x'}}]\n"
        "users: [{name: u, user: null}]\ncurrent-context: a\n"
    )
    use_kubeconfig(tmp_path / "config", monkeypatch)
    usable_kubeconfig(None)
