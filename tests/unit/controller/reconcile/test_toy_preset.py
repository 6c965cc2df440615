"""A preset is one file and one row: a toy one is read, plays a whole rollout, and is missed when its row is."""

from __future__ import annotations

import pytest

from earlystop.api.presets import PRESETS, PresetTraits
from earlystop.api.source import SourceSpec
from earlystop.metrics.templates.presets import PresetRequest, check_presets, queries
from earlystop.rollout.verify.verdict import differences
from tests.unit.controller.counted_by_templates import RATE, accepted, world
from tests.unit.controller.counts.template_sources import FIELDS, steady
from tests.unit.rollout.in_rows import in_rows

BARE = SourceSpec.model_validate({"url": "http://prometheus:9090"})
MODULE = "tests.unit.controller.toy_preset"


@pytest.fixture
def toy(monkeypatch: pytest.MonkeyPatch) -> PresetTraits:
    row = PresetTraits(module=MODULE, counts=frozenset(FIELDS))
    monkeypatch.setitem(PRESETS, "Toy", row)
    return row


@pytest.mark.usefixtures("toy")
async def test_a_preset_of_one_file_and_one_row_is_read_and_promotes() -> None:
    check_presets()
    assert any("app_tokens_total" in text for text in queries("Toy", PresetRequest("llm/qa", "r1", 60)))
    made = world(steady(RATE), source=BARE, metrics={"preset": "Toy"})
    async with made.open():
        await made.reconcile_until("Promoted")
    (verdict,) = made.verdicts()
    assert differences(verdict["spec"]) == []
    column = in_rows(verdict["spec"])["columns"].index("candidate.completed")
    assert sum(row[column] for row in in_rows(verdict["spec"])["looks"]) > 0


@pytest.mark.usefixtures("toy")
async def test_a_count_that_it_does_not_have_is_refused_by_name() -> None:
    rail = {"guardrails": [{"name": "f", "kind": "FailureRate", "maximumRatio": "1.5"}]}
    made = world(steady(RATE), source=BARE, metrics={"preset": "Toy"}, objective=rail)
    async with made.open():
        await made.reconcile()
    assert accepted(made)["reason"] == "CountsMissing"
    assert "metrics.preset Toy does not count failed" in accepted(made)["message"]


def test_a_module_without_a_row_a_row_without_a_module_and_a_preset_without_either_are_named() -> None:
    forgotten = {name: traits for name, traits in PRESETS.items() if name != "SGLang"}
    with pytest.raises(ValueError, match="sglang has no preset; add a row with module="):
        check_presets(forgotten)
    with pytest.raises(ValueError, match=r"row Toy of api/presets.PRESETS names the module no_such, which cannot"):
        check_presets({**PRESETS, "Toy": PresetTraits(module="no_such", counts=frozenset({"tokens"}))})
    with pytest.raises(ValueError, match=r"counts tokens, and .* write the same fields in both"):
        check_presets({**PRESETS, "Toy": PresetTraits(module=MODULE, counts=frozenset({"tokens"}))})
    with pytest.raises(ValueError, match=r"the preset Toy has no row in api/presets.PRESETS; write one of EarlyStop"):
        queries("Toy", PresetRequest("llm/qa", "r1", 60))


def test_a_row_that_contradicts_itself_is_refused() -> None:
    with pytest.raises(ValueError, match="write counts where"):
        PresetTraits(module=MODULE)
    with pytest.raises(ValueError, match="no count 'smiles'"):
        PresetTraits(module=MODULE, counts=frozenset({"smiles"}))
