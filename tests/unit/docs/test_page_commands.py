"""Each command in a block of the documentation's pages is run by a test, and none is listed that is not shown."""

from __future__ import annotations

import re
from collections import Counter

from tests.page_commands import AFTER_THE_VERDICT, ELSEWHERE, WHILE_IT_WAITS, shown
from tests.unit.docs.pages import ROOT


def test_every_command_of_a_page_is_run_by_a_test_and_none_is_listed_that_is_not_shown() -> None:
    here = [(each.page, each.line) for each in (*WHILE_IT_WAITS, *AFTER_THE_VERDICT)]
    elsewhere = [(page, line) for page, line in shown() if line in ELSEWHERE]
    assert Counter(shown()) == Counter([*here, *elsewhere]), "add the command to a table of tests/page_commands.py"
    assert {line for _, line in elsewhere} == set(ELSEWHERE)


def test_a_command_that_is_run_in_another_form_names_where() -> None:
    for reason in ELSEWHERE.values():
        named = re.findall(r"tests/[\w/]+\.(?:py|md)", reason)
        assert named and all((ROOT / each).is_file() for each in named), reason
