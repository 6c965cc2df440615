"""A report for who reads it by a screen reader, by keys alone or on paper: what the browser itself says of the page."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest

from earlystop.report.page import page_of
from tests.processes.devtools import DevTools, opened
from tests.unit.report.whole_page import whole_report

Found = TypeVar("Found")
Node = dict[str, Any]
REGIONS_THAT_SCROLL = 3
"""Tables of `whole_report` that are wider than a phone: settings, query classes and the audit trail."""


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("report") / "qa.html"
    path.write_text(page_of(whole_report()), encoding="utf-8")
    return path


def asked(page: Path, question: Callable[[DevTools], Awaitable[Found]]) -> Found:
    """The answer of the open page, which is as wide as a desktop's window."""

    async def ask() -> Found:
        async with opened(page, page.parent) as tools:
            await tools.size(1100)
            return await question(tools)

    return asyncio.run(ask())


def role(node: Node) -> str:
    return str(node["role"]["value"])


def name(node: Node) -> str:
    return str(node.get("name", {}).get("value", "")).strip()


def inside(node: Node, nodes: dict[str, Node]) -> Iterator[Node]:
    """Everything below a node that assistive software gets."""
    for child in (nodes[each] for each in node.get("childIds", ()) if each in nodes):
        if not child["ignored"]:
            yield child
        yield from inside(child, nodes)


@pytest.fixture(scope="module")
def tree(page: Path) -> list[Node]:
    return asked(page, lambda tools: tools.accessibility_tree())


def of_role(tree: list[Node], wanted: str) -> list[Node]:
    return [each for each in tree if not each["ignored"] and role(each) == wanted]


def test_the_page_has_a_title_a_language_one_first_heading_and_landmarks(tree: list[Node], page: Path) -> None:
    (root,) = of_role(tree, "RootWebArea")
    assert name(root) == "DOES NOT VERIFY: llm/qa: Inconclusive w10"
    assert asked(page, lambda tools: tools.value("document.documentElement.lang")) == "en"
    levels = [
        next(each["value"]["value"] for each in node["properties"] if each["name"] == "level")
        for node in of_role(tree, "heading")
    ]
    assert levels.count(1) == 1 and set(levels) <= {1, 2, 3}
    assert [len(of_role(tree, each)) for each in ("main", "contentinfo")] == [1, 1]


def test_whether_the_verdict_verifies_is_said_by_itself(tree: list[Node]) -> None:
    (said,) = [*of_role(tree, "alert"), *of_role(tree, "status")]
    nodes = {each["nodeId"]: each for each in tree}
    assert "This verdict does not verify" in {name(each) for each in inside(said, nodes)}


def test_every_heading_region_picture_and_control_has_a_name(tree: list[Node]) -> None:
    for wanted in ("heading", "region", "image", "link", "DisclosureTriangle"):
        nodes = of_role(tree, wanted)
        assert nodes and all(name(each) for each in nodes), wanted
    pictures = [name(each) for each in of_role(tree, "image")]
    assert all(each.endswith("The numbers are in the table below.") for each in pictures), pictures


def test_every_table_has_a_name_and_each_of_its_rows_and_columns_a_header(tree: list[Node]) -> None:
    nodes = {each["nodeId"]: each for each in tree}
    tables = of_role(tree, "table")
    assert len(tables) == REGIONS_THAT_SCROLL
    for table in tables:
        heads, *rows = [each for each in inside(table, nodes) if role(each) == "row"]
        columns = [role(each) for each in inside(heads, nodes) if "header" in role(each) or "cell" in role(each)]
        assert name(table) and rows and set(columns) == {"columnheader"}
        for row in rows:
            cells = [role(each) for each in inside(row, nodes) if role(each) in ("rowheader", "cell", "gridcell")]
            assert cells[0] == "rowheader" and len(cells) == len(columns), (name(table), cells)


STOPS = """[...document.querySelectorAll("a[href], summary, [tabindex='0']")]
  .filter((each) => each.checkVisibility()).map((each) => each.className || each.tagName)"""
HERE = """(() => { const at = document.activeElement, style = getComputedStyle(at), box = at.getBoundingClientRect();
  return [at.className || at.tagName, style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2,
    box.width > 0 && box.left >= 0 && box.bottom > 0 && box.top < innerHeight]; })()"""


async def walked(tools: DevTools) -> tuple[list[str], list[list[Any]]]:
    """What keys can come to, and what they came to: its name, whether it is marked, and whether it is in sight."""
    stops: list[str] = await tools.value(STOPS)
    seen = []
    for _ in stops:
        await tools.press("Tab")
        seen.append(await tools.value(HERE))
    return stops, seen


def test_keys_come_to_every_control_in_its_order_and_show_where_they_are(page: Path) -> None:
    stops, seen = asked(page, walked)
    assert stops[0] == "skip" and stops.count("scroll") == REGIONS_THAT_SCROLL
    assert [each for each, _, _ in seen] == stops
    assert all(is_marked and is_in_sight for _, is_marked, is_in_sight in seen), seen


async def opened_by_keys(tools: DevTools) -> tuple[bool, str, str]:
    await tools.press("Tab")
    await tools.press("Enter")
    after_skip = await tools.value("document.activeElement.id")
    await tools.press("Tab")
    await tools.press("Enter")
    is_open = await tools.value("document.activeElement.parentElement.open")
    await tools.press("Tab")
    return is_open, after_skip, await tools.value("document.activeElement.getAttribute('aria-label')")


def test_keys_skip_to_the_verdict_and_open_the_numbers_of_the_looks(page: Path) -> None:
    assert asked(page, opened_by_keys) == (True, "verdict", "Looks of w10")


ON_PAPER = """[...document.querySelectorAll("figure canvas")].map((each) => {
  const [own, there] = [each.getBoundingClientRect(), each.closest("figure").getBoundingClientRect()];
  return [own.width, there.width, own.right - there.right, own.bottom - there.bottom]; })"""


AS_WHEN_PRINTING = "ResizeObserver.prototype.observe = () => {};"
"""A browser that prints tells no observer of sizes that the page has the width of the paper meanwhile."""
PAPER_WIDTH = 718
"""CSS pixels of A4 between margins of 1 cm."""


def test_on_paper_no_plot_is_wider_than_its_column_though_it_was_drawn_for_a_screen(page: Path) -> None:
    async def printed() -> list[list[float]]:
        async with opened(page, page.parent, AS_WHEN_PRINTING) as tools:
            await tools.size(PAPER_WIDTH)
            await tools.ask("Emulation.setEmulatedMedia", media="print")
            found: list[list[float]] = await tools.value(ON_PAPER)
            return found

    plots = asyncio.run(printed())
    assert len(plots) > 4
    for own, there, beyond, below in plots:
        assert 0 < own <= there + 1 and beyond <= 1 and below <= 1, plots
