"""`report` writes a policy's latest verdict as a page, from the cluster or from files."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner, Result

from earlystop.cli.main import app
from earlystop.controller.cluster import Manifest
from earlystop.report.trail import TrailEntry, earlier_by_evidence
from tests.cluster.objects import verdict
from tests.unit.cli.api_server import api_with
from tests.unit.report.drawn_verdicts import drawn_chain
from tests.unit.report.hostile import stored
from tests.unit.rollout.in_rows import object_in_rows


def run(*words: str) -> Result:
    return CliRunner().invoke(app, ["report", *words], env={"COLUMNS": "400"})


def written(folder: Path, *verdicts: Manifest) -> str:
    path = folder / "verdicts.yaml"
    path.write_text(yaml.safe_dump_all([stored(each) for each in verdicts]))
    return str(path)


def test_the_latest_verdict_of_files_is_written_as_a_page(tmp_path: Path) -> None:
    page, chain = tmp_path / "qa.html", drawn_chain(2, 6, 7)
    result = run("-f", written(tmp_path, *reversed(chain)), "-o", str(page))
    assert result.exit_code == 0, result.output
    assert result.output == f"{page}: Inconclusive, candidate w10, verified from 0 looks. Open it in a browser.\n"
    assert chain[-1]["spec"]["digest"] in page.read_text()


def test_where_a_person_decided_last_the_last_decision_by_the_evidence_is_named(tmp_path: Path) -> None:
    first, later, last = drawn_chain(2, 6, 7)
    later["spec"]["requestedBy"] = last["spec"]["requestedBy"] = "user alice"
    trail = [TrailEntry.of(each) for each in (last, first, later)]
    named = earlier_by_evidence(trail)
    assert named is not None and named.name == first["metadata"]["name"]
    assert earlier_by_evidence(trail[1:2]) is None and earlier_by_evidence(trail[:1]) is None
    files, page = written(tmp_path, first, later, last), str(tmp_path / "qa.html")
    assert f"--verdict {first['metadata']['name']} writes its page." in run("-f", files, "-o", page).output
    chosen = run("-f", files, "-o", page, "--verdict", last["metadata"]["name"])
    assert "writes its page" not in chosen.output


def test_another_verdict_is_written_by_its_name_and_to_standard_output_alone(tmp_path: Path) -> None:
    chosen, later = drawn_chain(2, 7)
    files = written(tmp_path, chosen, later)
    result = run("qa", "-f", files, "--verdict", chosen["metadata"]["name"], "-o", "-")
    assert result.exit_code == 0
    assert result.stdout.startswith("<!doctype html>") and result.stdout.endswith("</html>")
    assert chosen["spec"]["digest"] in result.stdout and "verified from" in result.stderr


def test_a_page_on_standard_output_has_the_letters_of_that_in_a_file_whatever_letters_the_terminal_knows(
    tmp_path: Path,
) -> None:
    files, page = written(tmp_path, *drawn_chain(2)), tmp_path / "qa.html"
    assert run("-f", files, "-o", str(page)).exit_code == 0
    result = CliRunner(charset="latin-1").invoke(app, ["report", "-f", files, "-o", "-"])
    texts = result.stdout_bytes.decode(), page.read_text()
    printed, in_file = ([each for each in text if not each.isascii()] for text in texts)
    assert printed == in_file != []


def test_a_verdict_that_does_not_verify_is_written_told_and_ends_with_1(tmp_path: Path) -> None:
    manifest, page = object_in_rows(verdict("llm")), tmp_path / "qa.html"
    manifest["spec"]["looks"][0][6] -= 1
    result = run("-f", written(tmp_path, manifest), "-o", str(page))
    assert result.exit_code == 1
    assert "The digest does not belong to this record" in result.output
    assert "This verdict does not verify" in page.read_text()


def test_a_verdict_whose_predecessor_is_in_no_file_verifies_and_its_page_says_what_was_not_followed(
    tmp_path: Path,
) -> None:
    page, (first, second) = tmp_path / "qa.html", drawn_chain(2, 7)
    assert run("-f", written(tmp_path, second), "-o", str(page)).exit_code == 0
    assert "the chain that leads to this one was not followed" in page.read_text()
    assert run("-f", written(tmp_path, first, second), "-o", str(page)).exit_code == 0
    assert "was not followed" not in page.read_text()


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["qb", "-f", "FILE"], "There is no verdict of a policy"),
        (["-f", "FILE", "--verdict", "none"], "There is no verdict"),
        ([], "Name a policy, or files with verdicts by --file."),
    ],
)
def test_what_is_not_there_is_told_in_a_sentence(tmp_path: Path, words: list[str], told: str) -> None:
    files = written(tmp_path, verdict("llm"))
    result = run(*(files if word == "FILE" else word for word in words), "-o", str(tmp_path / "qa.html"))
    assert result.exit_code == 1 and told in result.output and result.output.startswith("Error: ")


def test_a_page_that_cannot_be_written_is_told_in_a_sentence(tmp_path: Path) -> None:
    result = run("-f", written(tmp_path, verdict("llm")), "-o", str(tmp_path))
    assert result.exit_code == 1 and "cannot be written: Is a directory." in result.output


@pytest.mark.slow
def test_the_verdicts_of_a_policy_are_read_from_the_cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = tmp_path / "qa.html"
    with api_with([stored(verdict("llm"))], tmp_path, monkeypatch):
        result = run("qa", "-n", "llm", "-o", str(page))
        assert result.exit_code == 0, result.output
        assert "llm/<span" in page.read_text()
        missing = run("qb", "-n", "llm", "-o", str(page))
    assert missing.exit_code == 1 and 'no verdict of a policy "qb" in namespace llm' in missing.output
