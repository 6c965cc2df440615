"""The CRDs that are committed are those that the kinds generate; `make crds` writes them."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from earlystop.api.crds import definitions, render

ROOT = Path(__file__).parents[2]
PLACES = (ROOT / "crds", ROOT / "charts" / "earlystop" / "files" / "crds")


@pytest.mark.slow
@pytest.mark.parametrize("directory", PLACES, ids=["crds", "chart"])
def test_the_committed_crds_are_those_that_the_kinds_generate(directory: Path) -> None:
    committed = {path.name: path.read_text() for path in directory.iterdir()}
    assert committed == {name: render(definition) for name, definition in definitions().items()}


@pytest.mark.slow
def test_generating_twice_gives_the_same_text() -> None:
    once, again = ([render(each) for each in definitions().values()] for _ in range(2))
    assert once == again


@pytest.mark.slow
@pytest.mark.parametrize("name", definitions())
def test_the_text_of_a_crd_says_what_its_definition_says(name: str) -> None:
    definition = definitions()[name]
    assert yaml.safe_load(render(definition)) == definition
