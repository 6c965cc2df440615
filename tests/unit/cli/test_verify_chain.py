"""`verify --chain` says of every record whether it is whole, in a sentence each, and ends with 1 where one is not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from earlystop.api.status.compact import compact
from earlystop.cli.main import app
from earlystop.rollout.record.checkpoint import checkpoint_object
from earlystop.rollout.record.publication import Stored, published_at
from tests.unit.cli.api_server import answering, api_with
from tests.unit.metrics.source.faulty_server import Handler
from tests.unit.rollout.record.chains import chain_of, removed, resealed

Manifest = dict[str, Any]


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["verify", *arguments], env={"COLUMNS": "400"})
    return result.exit_code, result.output


def saved(folder: Path, *objects: Manifest) -> str:
    path = folder / "record.yaml"
    path.write_text(yaml.safe_dump_all(objects))
    return str(path)


def policy_with(status: Manifest) -> Manifest:
    metadata = {"name": "qa", "namespace": "llm"}
    return {"apiVersion": "earlystop.dev/v1", "kind": "EarlyStopPolicy", "metadata": metadata, "status": status}


def test_the_record_in_a_file_is_whole_and_its_head_is_named(tmp_path: Path) -> None:
    verdicts = chain_of(3)
    code, output = run("--chain", saved(tmp_path, *verdicts))
    head = verdicts[-1]["spec"]["digest"]
    assert (code, output.strip()) == (0, f"llm/qa: the record is whole: 3 verdicts; its head is {head}.")
    code, output = run("--chain", "--head", head, saved(tmp_path, *verdicts))
    assert code == 0, output


def test_a_gap_ends_with_1_and_a_cut_by_retention_does_not(tmp_path: Path) -> None:
    first, *rest = chain_of(3)
    code, output = run("--chain", saved(tmp_path, *rest))
    assert code == 1 and "somebody did" in output
    code, output = run("--chain", saved(tmp_path, checkpoint_object("qa", "llm", removed(first)), *rest))
    assert code == 0 and "Retention removed 1 verdict" in output and "1 more removed by retention" in output


def test_a_cut_tail_shows_by_the_policy_beside_it_and_by_a_head_that_was_published(tmp_path: Path) -> None:
    *kept, last = chain_of(3)
    digest = last["spec"]["digest"]
    policy = policy_with({"phase": "Promoted", "decision": {"digest": digest}})
    for arguments in (["--head", digest, saved(tmp_path, *kept)], [saved(tmp_path, *kept, policy)]):
        code, output = run("--chain", *arguments)
        assert code == 1 and digest in output and "the chain is cut after" in output


def test_a_verdict_that_waits_to_be_stored_is_no_cut_tail(tmp_path: Path) -> None:
    *kept, last = chain_of(3)
    status = {"phase": "RollingBack", "decision": {"digest": last["spec"]["digest"]}}
    code, output = run("--chain", saved(tmp_path, *kept, policy_with(status)))
    assert code == 0, output


def test_verdicts_of_several_decisions_that_wait_to_be_stored_are_no_cut_tail_either(tmp_path: Path) -> None:
    first, waits, last = (each["spec"] for each in chain_of(3))
    status = {
        "phase": "RollingBack",
        "previousDigest": waits["digest"],
        "decision": {"digest": last["digest"]},
        "unstored": [{"decision": {"digest": waits["digest"]}, "previousDigest": first["digest"]}],
    }
    code, output = run("--chain", saved(tmp_path, chain_of(3)[0], policy_with(status)))
    assert code == 0, output


def test_digests_that_a_guarded_status_has_packed_are_read_too(tmp_path: Path) -> None:
    *kept, last = (each["spec"]["digest"] for each in chain_of(3))
    guarded = {"phase": "Promoted", "guard": {"phase": "Observing"}, "decision": {"digest": kept[-1]}}
    status = compact({**guarded, "previousDigest": last})
    assert "previousDigest" not in status
    code, output = run("--chain", saved(tmp_path, *chain_of(3)[:2], policy_with(status)))
    assert code == 1 and last in output and "the chain is cut after" in output
    unreadable = {**status, "internal": {"rest": "of another hand"}}
    code, output = run("--chain", saved(tmp_path, *chain_of(3)[:2], policy_with(unreadable)))
    assert code == 0, output


def test_a_policy_is_named_and_read_from_the_cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    verdicts = chain_of(2)
    with api_with(verdicts, tmp_path, monkeypatch):
        code, output = run("--chain", "other", "-n", "llm")
        assert code == 1 and "no verdict of policy other in namespace llm" in output


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--chain", "--lease", "a/b", "qa"], "name none beside it"),
        (["--statement", "f", "qa"], "Write --statement FILE alone"),
        (["--extract", "."], "Write --statement FILE alone"),
    ],
)
def test_options_that_do_not_go_together_are_refused(arguments: list[str], words: str) -> None:
    code, output = run(*arguments)
    assert code == 2 and words in output


def test_a_head_is_of_one_policy(tmp_path: Path) -> None:
    both = [*chain_of(1), *chain_of(1, name="other")]
    code, output = run("--chain", "--head", both[0]["spec"]["digest"], saved(tmp_path, *both))
    assert code == 1 and "A head is of one policy" in output


@pytest.mark.parametrize("arguments", [[], ["a", "b"], ["a", "--head", "sha256:0"], ["a", "-A"]])
def test_without_chain_one_verdict_is_named(arguments: list[str]) -> None:
    code, output = run(*arguments)
    assert code == 2 and "Name one verdict, or write --chain" in output


@pytest.mark.slow
def test_all_verdicts_are_compared_with_what_the_operator_published(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    verdicts = chain_of(3)
    stored = [
        Stored("2030-01-01T00:00:00Z", "llm", each["metadata"]["name"], each["spec"]["digest"]) for each in verdicts
    ]
    published = published_at(stored, "2031-01-01T00:00:00Z")
    lease = {"metadata": {"name": "record", "namespace": "system", "annotations": published.annotations()}}
    present: dict[str, list[Manifest]] = {"earlystopverdicts": verdicts}

    def answer(handler: Handler) -> None:
        last = handler.path.split("?")[0].rpartition("/")[2]
        found = lease if last == "record" else {"items": present.get(last, []), "metadata": {}}
        handler.reply(200, json.dumps(found).encode())

    with answering(answer, tmp_path, monkeypatch):
        code, output = run("--chain", "-A", "--lease", "system/record")
        assert code == 0 and "All 3 verdicts" in output, output
        present["earlystopverdicts"] = verdicts[:2]
        code, output = run("--chain", "-A", "--lease", "system/record")
        assert code == 1 and "3 were published" in output, output
        present |= {
            "earlystopverdicts": verdicts[1:],
            "earlystopcheckpoints": [checkpoint_object("qa", "llm", removed(verdicts[0]))],
        }
        code, output = run("--chain", "-A", "--lease", "system/record")
        assert code == 0, "what retention removed still counts"
        lease["metadata"]["annotations"] = {}
        code, output = run("--chain", "-A", "--lease", "system/record")
        assert code == 1 and "publishes no digest" in output


@pytest.mark.parametrize("command", ["verify", "statement"])
def test_a_policy_in_place_of_a_verdict_is_told_with_its_verdicts(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    verdicts = chain_of(2)

    def answer(handler: Handler) -> None:
        path = handler.path.split("?")[0]
        if path.endswith("/earlystopverdicts"):
            handler.reply(200, json.dumps({"items": verdicts, "metadata": {}}).encode())
        else:
            handler.reply(404, json.dumps({"kind": "Status", "code": 404, "reason": "NotFound"}).encode())

    with answering(answer, tmp_path, monkeypatch):
        found = CliRunner().invoke(app, [command, "qa", "-n", "llm"], env={"COLUMNS": "400"})
    assert found.exit_code == 1 and "qa is a policy" in found.output
    assert all(each["metadata"]["name"] in found.output for each in verdicts)


def test_names_changed_in_the_latest_verdict_show_by_the_status_of_its_policy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No count says whose it is, and nothing follows the latest one: only the digest that the status has tells."""
    first, last = chain_of(2)
    plan: str = last["spec"]["plan"].replace("qa-server", "other-server")
    assert plan != last["spec"]["plan"]
    changed = resealed(last, plan=plan)
    policy = policy_with({"phase": "Promoted", "decision": {"digest": last["spec"]["digest"]}})
    objects = {"earlystopverdicts": [first, changed], "earlystoppolicies": [policy], "earlystopcheckpoints": []}

    def answer(handler: Handler) -> None:
        last_part = handler.path.split("?")[0].rpartition("/")[2]
        found = {"items": objects[last_part], "metadata": {}} if last_part in objects else changed
        handler.reply(200, json.dumps(found).encode())

    with answering(answer, tmp_path, monkeypatch):
        for arguments in ([changed["metadata"]["name"]], ["--chain", "qa"]):
            code, output = run(*arguments, "-n", "llm")
            assert code == 1 and f"or {changed['metadata']['name']} was changed" in output
            assert last["spec"]["digest"] in output and output.count("\n") == 1, output
        objects["earlystopverdicts"][1] = changed = last
        assert run(last["metadata"]["name"], "-n", "llm")[0] == 0
