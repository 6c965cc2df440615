"""The documentation leads nowhere in vain, is found from its index, and says what the code says."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from docs_build.llms import llms_text
from earlystop.api.reference_pages import page as reference_page
from earlystop.api.reference_pages import pages as reference_pages
from earlystop.rollout.phases import Phase
from tests.readme_commands import blocks
from tests.unit.docs.pages import DOCS, all_pages, anchors, broken, links
from tests.unit.every_row import every_row

INDEX = DOCS / "README.md"


@every_row("page", all_pages())
def test_every_link_leads_to_a_file_and_a_heading_that_are_there(page: Path) -> None:
    assert broken(page, page.read_text()) == []


def test_a_link_that_leads_nowhere_is_told_with_what_to_write() -> None:
    text = "[a](nowhere.md), [b](README.md#begin), [c](README.md#no-such), [d](#here), `[e](code.md)`\n\n# Here\n"
    assert [line.split(":")[0] for line in broken(DOCS / "made-up.md", text)] == [
        "nowhere.md",
        "README.md#no-such",
        "#here",
    ]


def test_anchors_are_those_that_github_makes() -> None:
    text = "# What a `--verify` finds?\n## Two words\n## Two words\n```\n# a comment\n```\n"
    assert anchors(text) == {"what-a---verify-finds", "two-words", "two-words-1"}


def test_every_page_is_found_from_the_index() -> None:
    listed = {(DOCS / link.partition("#")[0]).resolve() for link in links(INDEX.read_text())}
    assert {page for page in all_pages() if page.suffix == ".md"} - listed - {INDEX} == set()


def test_programs_find_the_same_pages_as_people() -> None:
    assert (DOCS / "llms.txt").read_text() == llms_text(INDEX.read_text()), "run `make docs`"


def test_a_section_of_the_index_that_is_no_list_of_links_is_refused() -> None:
    with pytest.raises(ValueError, match="a section is a list of lines"):
        llms_text("# A\n\nWhat it is.\n\n## Begin\n\nSome prose.\n")


@pytest.mark.slow
def test_the_committed_reference_is_the_one_that_the_kinds_generate() -> None:
    committed = {path.name: path.read_text() for path in (DOCS / "api").iterdir()}
    assert committed == reference_pages(), "run `make docs`"


@pytest.mark.slow
def test_no_object_of_many_fields_is_described_twice_and_every_phase_is_described() -> None:
    text = reference_pages()["earlystoppolicy.md"]
    described = "What its verdict says of a guard. Absent: nothing. Its fields are those of `guard`. |"
    assert described in text and "unstored[].guard.phase" not in text and "`guard.phase`" in text
    (phase,) = [line for line in text.splitlines() if line.startswith("| `phase` ")]
    assert [each for each in Phase if not re.search(rf"\b{each}\b", phase)] == []


def test_a_field_is_shown_with_its_values_bounds_default_and_whether_it_must_be_there() -> None:
    properties: dict[str, Any] = {
        "mode": {"type": "string", "enum": ["A", "B"], "default": "A", "description": "Which | one, as <name>."},
        "parts": {
            "type": "array",
            "maxItems": 3,
            "description": "Parts.",
            "items": {
                "type": "object",
                "required": ["weight"],
                "properties": {"weight": {"type": "integer", "minimum": 1, "maximum": 50, "description": "Percent."}},
            },
        },
    }
    crd = {
        "spec": {
            "names": {"kind": "Toy", "singular": "toy", "shortNames": ["ty"]},
            "scope": "Cluster",
            "versions": [
                {
                    "schema": {
                        "openAPIV3Schema": {
                            "description": "A toy.",
                            "properties": {"spec": {"type": "object", "properties": properties}},
                        }
                    }
                }
            ],
        }
    }
    assert [line for line in reference_page(crd).splitlines() if line.startswith(("| `", "| **"))] == [
        "| `mode` | `A` \\| `B`, default `A` | Which \\| one, as &lt;name>. |",
        "| `parts` | list of object, at most 3 | Parts. |",
        "| **`parts[].weight`** | integer, 1 to 50 | Percent. |",
    ]


def test_the_server_of_the_page_answers_probes_sets_its_window_and_counts() -> None:
    (program,) = blocks(DOCS / "servers.md", "python")
    names: dict[str, Any] = {}
    exec(compile(program, "servers.md", "exec"), names)
    serve, exporter = names["serve"], names["exporter"]
    said = {"policy": "llm/qa", "revision": "r1", "step": "0", "variant": "candidate", "param-window": "10"}
    headers = {f"x-early-stop-{name}": [value] for name, value in said.items()}
    windows: list[int] = []

    def answer(window: int) -> tuple[str, int, str | None]:
        windows.append(window)
        return "391", 212, "match"

    assert serve(headers | {"x-early-stop-probe": ["n1"]}, answer)[0] == 204
    assert serve(headers, answer) == (200, "391") and serve({}, answer) == (200, "391")
    assert windows == [10, 40]

    def fail(window: int) -> tuple[str, int, str | None]:
        raise RuntimeError(window)

    assert serve(headers, fail)[0] == 500
    counted = {
        (sample.name, sample.labels.get("outcome") or sample.labels.get("result")): sample.value
        for family in exporter.collect()
        for sample in family.samples
        if sample.labels.get("variant") == "candidate" and sample.labels.get("revision") == "r1"
    }
    assert counted["earlystop_requests_total", "completed"] == counted["earlystop_requests_total", "failed"] == 1
    assert counted["earlystop_answers_total", "match"] == 1
    assert counted["earlystop_output_tokens_total", None] == 212


def test_every_reason_says_what_to_do() -> None:
    rows = re.findall(r"^\| `(\w+)` \| .+? \| (.+) \|$", (DOCS / "reasons.md").read_text(), re.MULTILINE)
    assert len(rows) > 100 and all(len(sentence.split()) > 3 for _, sentence in rows)
