"""Which names people take for one: those that differ in nothing that anybody sees."""

from __future__ import annotations

import re
import unicodedata
from typing import Literal

import pytest

from earlystop.api.unseen import RE2_CLASS, is_like, seen
from earlystop.api.visible import visible
from tests.cluster.packaging import MANIFESTS, objects
from tests.unit.api.names import COLLEAGUES, DISGUISES, OTHERS


def test_no_letter_that_is_a_control_a_blank_or_of_nobodys_script_is_seen() -> None:
    kinds = {"Cc", "Cf", "Co", "Zl", "Zp", "Zs"}
    letters = (chr(number) for number in range(0x110000) if unicodedata.category(chr(number)) in kinds)
    assert [hex(ord(each)) for each in letters if seen(each)] == []


def test_letters_digits_and_signs_that_people_write_are_seen() -> None:
    for name in (
        "system:serviceaccount:llm:ci-bot",
        "Jürgen_O'Neil+on-call@example.com",
        "किरण",
        "نادية",
        "王小明",
        "한지민",
    ):
        assert seen(name) == name


def test_a_name_in_disguise_is_the_name_and_another_one_is_not() -> None:
    assert [each for each in DISGUISES.values() if not is_like(each, "alice")] == []
    assert [each for each in OTHERS.values() if is_like(each, "alice")] == []


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_colleagues_with_and_without_a_mark_are_two_people_however_letters_are_composed(
    form: Literal["NFC", "NFD"],
) -> None:
    pairs = [[unicodedata.normalize(form, name) for name in pair] for pair in COLLEAGUES]
    assert [pair for pair in pairs if is_like(*pair)] == []


def test_a_name_is_like_what_records_show_of_it_also_where_nothing_of_it_is_seen() -> None:
    for name in (*DISGUISES.values(), "\u200b\u2060", "\U0001fae8 is not in every table", "", "who?"):
        assert is_like(name, visible(name))
    assert not is_like("\u200b", "alice") and not is_like("", "alice")


def test_the_chart_refuses_the_same_letters() -> None:
    (rule,) = (
        each
        for each in objects((MANIFESTS / "install.yaml").read_text())
        if each["kind"] == "ValidatingAdmissionPolicy" and each["metadata"]["name"].endswith("-approved")
    )
    (found,) = (each["expression"] for each in rule["spec"]["variables"] if each["name"] == "visible")
    assert "".join(re.findall(r"r'([^']*)'", found)) == f"[^{RE2_CLASS}]+"
