"""The map of the code leads to code that exists."""

from __future__ import annotations

import ast
import re
from functools import cache
from itertools import pairwise
from pathlib import Path

from tests.unit.every_row import every_row

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "operator" / "earlystop"
MAP = ROOT / "operator" / "ARCHITECTURE.md"
TEXT = MAP.read_text()
TABLE = TEXT.partition("## Where is ...?")[2].partition("\n## ")[0]
HEADER = "| concern | file | symbol |"
ROW = re.compile(r"^\| (.+?) \| `([\w/]+\.py)` \| `(\w+)` \|$", re.MULTILINE)
CONCERNS = ROW.findall(TABLE)


@cache
def top_level_names(path: Path) -> set[str]:
    """Functions, classes and variables that a module defines at its top level."""
    names: set[str] = set()
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Assign):
            names |= {target.id for target in node.targets if isinstance(target, ast.Name)}
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            names.add(node.target.id)
    return names


def modules_that_define(symbol: str) -> list[str]:
    """Where a symbol may have moved."""
    modules = sorted(PACKAGE.rglob("*.py"))
    return [path.relative_to(PACKAGE).as_posix() for path in modules if symbol in top_level_names(path)]


def test_the_map_names_at_least_thirty_concerns_each_in_a_row_of_its_own() -> None:
    rows = [line for line in TABLE.splitlines() if line.startswith("| ") and line != HEADER]
    assert len(CONCERNS) == len(rows), "a row of 'Where is ...?' must read: | concern | `file.py` | `symbol` |"
    assert len({concern for concern, _, _ in CONCERNS}) == len(CONCERNS) >= 30


def test_no_place_has_two_rows_but_for_those_that_do_two_things() -> None:
    places = [(file, symbol) for _, file, symbol in CONCERNS]
    doubled = {symbol for place in set(places) if places.count(place) > 1 for symbol in [place[1]]}
    assert doubled == {"Runtime", "Recorder"}


def test_what_lies_beyond_the_package_exists() -> None:
    beyond = TEXT.partition("## Beyond the package")[2]
    named = re.findall(r"`((?:charts|manifests|operator|tests)/[\w./-]+)`", beyond)
    assert len(named) >= 8 and all((ROOT / each).exists() for each in named), named


@every_row(("concern", "file", "symbol"), CONCERNS)
def test_each_concern_is_where_the_map_says(concern: str, file: str, symbol: str) -> None:
    path = PACKAGE / file
    assert path.is_file() and symbol in top_level_names(path), (
        f"{MAP.name}, row '{concern}': {file} does not define {symbol}. Write the file and symbol that do this now; "
        f"modules that define {symbol}: {modules_that_define(symbol)}"
    )


def test_each_package_is_a_room_of_the_map_and_has_a_heading_above_its_rows() -> None:
    packages = {path.parent.relative_to(PACKAGE).as_posix() for path in PACKAGE.rglob("__init__.py")} - {"."}
    headings = set(re.findall(r"^### `([\w/]+)`$", TABLE, re.MULTILINE))
    assert headings == packages, f"{MAP.name}: add headings for {packages - headings}, remove {headings - packages}"
    section = TEXT.partition("## The rooms")[2].partition("\n## ")[0]
    rooms = re.findall(r"^\| `(\w+)` \| .+? \| (.*)\|$", section, re.MULTILINE)
    named = {room: {f"{room}/{each}" for each in re.findall(r"`(\w+)`", within)} for room, within in rooms}
    shown = {*named, *(each for within in named.values() for each in within)}
    nested = {each for each in packages if each.count("/") > 1}  # they stand under their heading alone
    missing = packages - nested - shown
    assert shown == packages - nested, f"{MAP.name}: add to the rooms {missing}, remove {shown - packages}"


def test_rows_stand_under_the_heading_of_their_room_in_the_order_of_their_files() -> None:
    for part in TABLE.split("\n### ")[1:]:
        room = part.partition("\n")[0].strip("`")
        files = [Path(file) for _, file, _ in ROW.findall(part)]
        elsewhere = [str(file) for file in files if file.parent.as_posix() != room]
        assert not elsewhere, f"{MAP.name}: under {room} stand {elsewhere}: move each to the heading of its folder"
        unordered = [str(one) for one, other in pairwise(files) if one > other]
        assert not unordered, f"{MAP.name}: under {room}, move the rows of {unordered} down to the order of file names"


def test_each_file_that_the_map_mentions_exists() -> None:
    mentioned = set(re.findall(r"`((?:\w+/)+\w+\.\w+)`", TEXT))
    missing = {file for file in mentioned if not ((PACKAGE / file).is_file() or (ROOT / file).is_file())}
    bare = set(re.findall(r"`(\w+\.py)`", TEXT))
    assert mentioned and not missing, f"{MAP.name} mentions {missing}, which do not exist: write where they are now"
    assert not bare, f"{MAP.name} mentions {bare} without their folder: write the path from operator/earlystop/"
