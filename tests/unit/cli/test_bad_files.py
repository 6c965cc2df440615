"""Whatever file a command is given, it ends with one sentence on standard error and the documented exit code."""

from __future__ import annotations

import codecs
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner, Result

from earlystop.cli.main import app
from tests.cluster.objects import changed, policy, verdict
from tests.unit.cli.bad_files import BAD, bad_file, right_policy

EXAMPLES = Path(__file__).parents[3] / "manifests" / "examples"
LOOKS = "variant,look,completed,failed,match,mismatch,tokens,tokens_squared\n"
CUSTOM = {"preset": "Custom", "sourceRef": {"name": "default"}}
PROMETHEUS = "--prometheus=http://127.0.0.1:9"
COMMANDS: dict[str, list[str]] = {
    "validate": ["validate", "BAD"],
    "plan": ["plan", "BAD"],
    "simulate": ["simulate", "BAD", "--runs=1"],
    "judge's looks": ["judge", "BAD", "--policy", "RIGHT"],
    "judge's policy": ["judge", "LOOKS", "--policy", "BAD"],
    "counts": ["counts", "BAD", PROMETHEUS],
    "templates of counts": ["counts", "CUSTOM", PROMETHEUS, "--templates", "BAD"],
    "verify": ["verify", "BAD"],
    "report": ["report", "--file", "BAD", "--output", "PAGE"],
}
"""Words of each command that reads a file, with the file in question as BAD."""


def invoke(words: list[str], bad: Path, folder: Path) -> Result:
    folder.mkdir(exist_ok=True)
    (folder / "looks.csv").write_text(LOOKS)
    (folder / "custom.yaml").write_text(yaml.safe_dump(changed(policy(), "spec.metrics", CUSTOM)))
    files = {
        "BAD": bad,
        "RIGHT": right_policy(folder),
        "LOOKS": folder / "looks.csv",
        "CUSTOM": folder / "custom.yaml",
        "PAGE": folder / "page.html",
    }
    return CliRunner().invoke(app, [str(files.get(word, word)) for word in words])


def ensure_one_sentence(result: Result, what: str) -> None:
    assert result.exit_code == 1 and isinstance(result.exception, SystemExit), (what, result.output, result.exception)
    assert result.output.strip() and result.output.endswith("\n"), what
    assert all(each.isprintable() for each in result.output.replace("\n", "")), (what, result.output)
    if result.stderr:
        assert result.stderr.startswith("Error: ") and result.stderr.count("\n") == 1, (what, result.stderr)
        assert len(result.stderr) < 700 and not result.stdout, (what, result.output)


@pytest.mark.slow
@pytest.mark.parametrize("name", COMMANDS)
def test_no_bad_file_ends_a_command_otherwise_than_with_a_sentence_and_code_1(tmp_path: Path, name: str) -> None:
    for number, what in enumerate(BAD):
        if (name, what) == ("validate", "two policies"):
            continue  # they are right
        folder = tmp_path / str(number)
        folder.mkdir()
        ensure_one_sentence(invoke(COMMANDS[name], bad_file(what, folder), tmp_path / "right"), what)


@contextmanager
def nobody() -> Iterator[None]:
    """As a user who may read nothing that is not for all: permissions do not bind root."""
    was = os.geteuid()
    if was == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(was)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["validate", "plan", "verify"])
def test_a_file_that_may_not_be_read_is_named_with_the_reason(tmp_path: Path, name: str) -> None:
    bad = right_policy(tmp_path)
    bad.chmod(0)
    words = [str(bad) if word == "BAD" else word for word in COMMANDS[name]]
    CliRunner().invoke(app, words)  # nobody may not be able to read what a command imports
    with nobody():
        result = CliRunner().invoke(app, words)
    ensure_one_sentence(result, name)
    assert result.stderr == f"Error: {bad} cannot be read: Permission denied.\n"


def as_windows_writes(text: str, encoding: str) -> bytes:
    mark = {"utf-8": codecs.BOM_UTF8, "utf-16-le": codecs.BOM_UTF16_LE, "utf-16-be": codecs.BOM_UTF16_BE}[encoding]
    return mark + text.replace("\n", "\r\n").encode(encoding)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le", "utf-16-be"])
def test_byte_order_marks_and_line_ends_of_windows_are_read(tmp_path: Path, encoding: str) -> None:
    for name, manifest in (("validate", policy()), ("verify", verdict())):
        path = tmp_path / f"{name}.yaml"
        path.write_bytes(as_windows_writes(yaml.safe_dump(manifest), encoding))
        result = CliRunner().invoke(app, [name, str(path)])
        assert result.exit_code == 0, result.output


@pytest.mark.slow
def test_several_documents_and_lists_of_objects_are_read_and_the_right_kind_is_found(tmp_path: Path) -> None:
    path = tmp_path / "all.yaml"
    other = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "qa"}}
    listed = {"apiVersion": "v1", "kind": "List", "items": [other, policy()]}
    for documents in ([other, policy()], [None, policy(), other], [listed]):
        path.write_text(yaml.safe_dump_all(documents))
        for words in (["validate", str(path)], ["plan", str(path)]):
            result = CliRunner().invoke(app, words)
            assert result.exit_code == 0, result.output


def test_standard_input_is_read_for_a_hyphen() -> None:
    result = CliRunner().invoke(app, ["validate", "-"], input=yaml.safe_dump_all([policy(), policy()]))
    assert (result.exit_code, result.output) == (
        0,
        "2 policies are valid. Whether their routes and MetricSources fit them, only the operator can say.\n",
    )


@pytest.mark.parametrize("bad", ["3", "- 3", "&a [*a]", "a: [" * 600], ids=["number", "list", "itself", "depth"])
def test_what_is_wrong_on_standard_input_is_told_of_it_by_name(bad: str) -> None:
    result = CliRunner().invoke(app, ["validate", "-"], input=bad)
    assert result.exit_code == 1
    assert result.output.startswith("Error: the standard input")


def validated(*objects: Any) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["validate", "-"], input=yaml.safe_dump_all(objects))
    return result.exit_code, " ".join(result.output.split())


@pytest.mark.slow
def test_validate_names_objects_of_ours_that_it_did_not_check() -> None:
    chat = {"apiVersion": "earlystop.dev/v1alpha1", "kind": "HookTarget", "metadata": {"name": "chat"}, "spec": {}}
    other = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "qa"}}
    said = "HookTarget chat was not checked; kubectl apply --dry-run=server does that."
    code, output = validated(policy(), chat, other)
    assert code == 0 and output.endswith(f"only the operator can say. {said}")
    code, output = validated(chat)
    assert code == 1 and said in output
    code, output = validated(policy(), *(dict(chat) for _ in range(7)))
    assert "HookTarget chat and 2 more were not checked" in output


def test_validate_tells_of_a_policy_that_asks_for_an_author_and_names_none() -> None:
    asking = changed(policy(), "spec.approval", {"mode": "BeforePromotion", "notByAuthor": True})
    code, output = validated(asking)
    assert code == 0 and "no approval counts while the author is not known" in output
    assert "earlystop.dev/changed-by" in output
    asking["metadata"]["annotations"] = {"earlystop.dev/changed-by": "ben"}
    assert "approval" not in validated(asking)[1]
    assert "approval" not in validated(changed(policy(), "spec.approval", {"mode": "BeforePromotion"}))[1]


def test_a_bare_on_is_told_to_be_written_with_quotes() -> None:
    hooked = yaml.safe_load("[{name: ci, targetRef: {name: ci}, on: [Promoted]}]")
    code, output = validated(changed(policy(), "spec.hooks", hooked))
    assert code == 1
    assert 'spec.hooks[0].on: YAML reads a bare on as true; write "on", with the quotes.' in output


@pytest.mark.parametrize("words", ["verify", "statement"])
def test_a_file_without_the_verdict_is_refused_with_how_to_save_one(words: str, tmp_path: Path) -> None:
    path = tmp_path / "policy.yaml"
    path.write_text(yaml.safe_dump(policy()))
    result = CliRunner().invoke(app, [words, str(path)])
    output = " ".join(result.output.split())
    assert result.exit_code == 1
    assert "holds no EarlyStopVerdict, only: EarlyStopPolicy; save one by kubectl get esv NAME -n llm -o yaml" in output


def test_each_problem_of_each_policy_stands_in_a_line_with_its_file_and_name(tmp_path: Path) -> None:
    path = tmp_path / "policies.yaml"
    wrong = changed(policy(name="other"), "spec.rollout.stepz", [])
    path.write_text(yaml.safe_dump_all([policy(), wrong]))
    result = CliRunner().invoke(app, ["validate", str(path)])
    assert result.exit_code == 1 and not result.stderr
    assert result.stdout == f"{path}: other: spec.rollout.stepz: there is no such field; perhaps steps is meant.\n"


def test_a_policy_that_an_api_server_refuses_is_neither_planned_nor_simulated_nor_judged_by(tmp_path: Path) -> None:
    bad = tmp_path / "bad.yaml"
    bad.write_text(yaml.safe_dump(changed(policy(), "spec.candidates.0.values.0.value", "99")))
    for name in ("plan", "simulate", "judge's policy"):
        result = invoke(COMMANDS[name], bad, tmp_path)
        ensure_one_sentence(result, name)
        assert "is no number from 1 to 40; write one that is" in result.stderr


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["plan", "RIGHT", "--rate=inf"], "inf is no amount"),
        (["plan", "RIGHT", "--em-loss=nan"], "Invalid value for '--em-loss'"),
        (["plan", "RIGHT", "--baseline-em=80"], "--baseline-em"),
        (["simulate", "RIGHT", "--tokens=inf"], "inf is no amount"),
        (["statsu", "qa"], "There is no command statsu; perhaps status is meant."),
        (["plan"], "Missing argument"),
        (["verify"], "Error: Name one verdict, or write --chain"),
        (["replay"], "Error: Name a verdict or a policy"),
        (["savings", "-A", "qa"], "Error: Name a policy, or write --all-namespaces, not both."),
    ],
)
def test_a_wrong_command_line_is_answered_with_code_2_and_how_it_is_used(
    tmp_path: Path, words: list[str], says: str
) -> None:
    result = invoke(words, tmp_path, tmp_path)
    assert result.exit_code == 2 and result.stderr.startswith("Usage: ")
    assert says in " ".join(result.stderr.split())


@pytest.mark.slow
def test_a_loss_of_just_the_margin_and_a_deadline_that_comes_too_soon_are_said(tmp_path: Path) -> None:
    right = str(right_policy(tmp_path))
    never = CliRunner().invoke(app, ["plan", right, "--em-loss=0.02"])
    assert never.exit_code == 1 and "loses just the margin" in never.stderr
    late = CliRunner().invoke(app, ["plan", right, "--rate=0.001"])
    assert late.exit_code == 0 and "later than the deadline of 24 h" in late.output


@pytest.mark.parametrize(
    ("example", "supposed"),
    [("policy", ["--baseline-em=1"]), ("policy", ["--baseline-em=0", "--em-loss=0"]), ("shadow", ["--discordance=0"])],
)
def test_a_plan_of_answers_that_never_differ_is_refused_in_a_sentence(example: str, supposed: list[str]) -> None:
    result = CliRunner().invoke(app, ["plan", str(EXAMPLES / f"{example}.yaml"), *supposed])
    assert result.exit_code == 1 and "leave nothing to plan" in result.stderr


@pytest.mark.parametrize("bad", [each for each in BAD if each != "two verdicts"])
def test_a_bad_file_is_replayed_with_one_sentence(bad: str, tmp_path: Path) -> None:
    ensure_one_sentence(invoke(["replay", "--file", "BAD"], bad_file(bad, tmp_path), tmp_path / "right"), bad)


def in_list(kind: str, *items: Any) -> str:
    return yaml.safe_dump({"apiVersion": "v1", "kind": kind, "items": list(items)})


POLICIES_IN = {
    "a list as kubectl prints it": in_list("List", policy()),
    "a list as the API server gives it": in_list("EarlyStopPolicyList", policy()),
    "a list in a list": in_list("List", yaml.safe_load(in_list("EarlyStopPolicyList", policy()))),
    "JSON objects, one after the other": f'{json.dumps(policy())}\n{{"apiVersion": "v1", "kind": "Secret"}}',
    "JSON in lines that end as on other systems": json.dumps(policy(), indent=1).replace("\n", "\r\n"),
}


@pytest.mark.parametrize("form", POLICIES_IN)
def test_a_policy_is_found_in_whatever_kubectl_applies(form: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text(POLICIES_IN[form])
    result = CliRunner().invoke(app, ["validate", str(tmp_path / "file")])
    assert (result.exit_code, result.output.startswith("1 policy is valid.")) == (0, True), result.output


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (in_list("EarlyStopPolicyList", None).encode(), "null is no object"),
        (b"metadata:\n  name: {{ .Values.name }}\n", "is it a template? Render it first, as by helm template"),
        (yaml.safe_dump(policy()).encode("utf-16-le"), "Save it as UTF-8"),
        (yaml.safe_dump(policy()).encode("utf-32"), "Save it as UTF-8"),
        (b"{}" * 20_000, "cannot be read as YAML or JSON"),
        (b'{"kind": "A"} x', "cannot be read as YAML or JSON"),
    ],
)
def test_what_is_no_manifest_is_told_by_what_to_do(content: bytes, said: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(content)
    result = CliRunner().invoke(app, ["validate", str(tmp_path / "file")])
    ensure_one_sentence(result, said)
    assert said in result.output
