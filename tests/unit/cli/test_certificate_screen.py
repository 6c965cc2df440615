"""The screen of a policy says why its certificate holds no more, and nothing of one that holds."""

from __future__ import annotations

import pytest

from earlystop.cli.screen.certificate import certificate_facts


@pytest.mark.parametrize(
    ("status", "shown"),
    [("True", []), ("False", [("lapsed", "Its images changed.")]), ("Unknown", [("unsure", "Its images changed.")])],
)
def test_a_certificate_that_does_not_hold_has_a_line_of_its_own(status: str, shown: list[tuple[str, str]]) -> None:
    condition = {"type": "Certified", "status": status, "reason": "ImagesChanged", "message": "Its images changed."}
    assert list(certificate_facts({"conditions": [condition]})) == shown
    assert list(certificate_facts({"conditions": [{**condition, "reason": "NotBound"}]})) == []
    assert list(certificate_facts({"conditions": []})) == list(certificate_facts({})) == []
