"""The query is one sentence whatever the policies are called: no name can end its string and speak PromQL."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from earlystop.api.wire import COUNTED_METRICS, LATER_METRICS, STARTED
from earlystop.metrics.convention.query import checked_namespace_label, counts_query, escape, window_since

INJECTION = 'a"} or up{x="'
ODD_TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30)
NAMES = st.lists(ODD_TEXT | st.text('\\"\n|.*+?(){}[]^$-ab', min_size=1, max_size=12), min_size=1, max_size=6)
ESCAPES = {"\\": "\\", '"': '"', "n": "\n"}


def tokens(query: str) -> tuple[str, list[str]]:
    """The query with its strings taken out, and the strings as PromQL reads them."""
    skeleton, strings, position = "", [], 0
    while position < len(query):
        if query[position] != '"':
            skeleton += query[position]
            position += 1
            continue
        text, position = "", position + 1
        while query[position] != '"':
            assert query[position] != "\n", "a string may not hold a bare line feed"
            if query[position] == "\\":
                text += ESCAPES[query[position + 1]]
                position += 2
            else:
                text += query[position]
                position += 1
        strings.append(text)
        skeleton += "S"
        position += 1
    return skeleton, strings


def literals(pattern: str) -> set[str]:
    """The words of an alternation of quoted literals, read as RE2 does."""
    words, word, position = set(), "", 0
    while position < len(pattern):
        if pattern[position] == "|":
            words.add(word)
            word, position = "", position + 1
            continue
        assert pattern[position] not in ".*+?(){}[]^$", "an unquoted metacharacter"
        position += pattern[position] == "\\"
        word += pattern[position]
        position += 1
    return words | {word}


@pytest.mark.slow
@given(NAMES, NAMES, st.integers(1, 10**7))
@example([INJECTION], ["r1"], 60)
@example([".*"], ["a|b", "a"], 60)
@settings(max_examples=100, deadline=None)
def test_no_name_leaves_its_string_and_each_matches_only_itself(
    policies: list[str], revisions: list[str], window: int
) -> None:
    skeleton, strings = tokens(counts_query(policies, revisions, window))
    plain, plain_strings = tokens(counts_query(["p"], ["r"], window))
    assert skeleton == plain
    chosen = {index for index, text in enumerate(plain_strings) if text in ("p", "r")}
    for index, text in enumerate(strings):
        if index not in chosen:
            assert text == plain_strings[index]
        else:
            assert literals(text) == set(policies if plain_strings[index] == "p" else revisions)


def test_only_series_of_the_policies_own_namespaces_are_asked_for_where_the_source_can_tell() -> None:
    text = counts_query(["a/x", "b/y", "a/z"], ["r1"], 60, "namespace")
    selectors = [each for each in re.findall(r"\{([^{}]*)\}", text) if "policy=~" in each]
    assert len(selectors) > 2 and all('namespace=~"a|b"' in each for each in selectors)


@given(ODD_TEXT)
@settings(max_examples=100, deadline=None)
def test_an_escaped_text_is_read_back_as_it_was(text: str) -> None:
    assert tokens(f'"{escape(text)}"') == ("S", [text])


def test_a_lone_surrogate_is_refused_since_no_label_holds_one() -> None:
    with pytest.raises(ValueError, match="surrogate"):
        escape("\ud800")


def test_one_query_holds_the_counts_and_the_age_of_the_newest_sample() -> None:
    query = counts_query(["llm/qa"], ["r1"], 95, namespace_label="namespace")
    assert query.count("last_over_time(") == query.count("[95s]") == 2
    assert "timestamp(earlystop_requests_started_total{" in query
    grouped = re.findall(r"max by \(([^)]*)\)", query)
    assert [group.split(",")[-1] for group in grouped] == ["namespace"] * 3
    assert not {"instance", "pod", "replica"} & set(",".join(grouped).split(","))


def test_all_counters_are_asked_for_and_some_of_every_kind_of_process_at_zero_too() -> None:
    asked = re.compile(r'last_over_time\(\{__name__=~"([^"]*)"[^)]*\)\) (.= 0)')
    whole, zeros = asked.findall(counts_query(["p"], ["r"], 60))
    assert (literals(whole[0]), whole[1], zeros[1]) == (set(COUNTED_METRICS), "!= 0", "== 0")
    assert literals(zeros[0]) & set(LATER_METRICS) and STARTED in literals(zeros[0])


@pytest.mark.parametrize("label", ["", "a b", "1a", 'x"', "process", "policy", "reading", "ü"])
def test_a_namespace_label_must_be_a_name_without_another_meaning(label: str) -> None:
    with pytest.raises(ValueError, match=r"label"):
        checked_namespace_label(label)


def test_a_window_below_a_second_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 1 s"):
        counts_query(["p"], ["r"], 0)


@given(st.floats(0, 1e9), st.floats(0, 1e6), st.floats(1, 300))
@settings(max_examples=100, deadline=None)
def test_a_window_reaches_back_beyond_the_last_good_look(last: float, since: float, interval: float) -> None:
    assert window_since(last, last + since, interval) >= since + 2 * interval
    assert window_since(last + since, last, interval) >= 60
