"""A policy is one screen: 80 columns and 24 lines hold what matters, whatever its phase, and no word of it is cut."""

from __future__ import annotations

import re
from copy import deepcopy

import pytest
from rich.console import Console
from rich.text import Text

from earlystop.cli.screen.fitting import Block, FittedScreen, labelled, said, sentences_within
from earlystop.cli.screen.reading import remaining_of
from earlystop.cli.terminal import UNLIMITED
from earlystop.controller.cluster import Manifest
from tests.unit.cli.expected_screens import FOLDER, drawn
from tests.unit.cli.shown_policies import RECORDED, moment_of, policy_in, recorded, screen, text_of
from tests.unit.every_row import every_row
from tests.unit.rollout.states import REACHED

INTERVAL = re.compile(r"[+-]\d+\.\d \[[+-]\d+\.\d,? ?")
ALL_RECORDED = sorted(path.stem for path in RECORDED.glob("*.json"))
LABELS = ("where", "when", "sure", "now", "held")


def phase_of(policy: Manifest) -> str:
    return str(policy["status"]["phase"])


@pytest.mark.slow
@every_row("name", sorted(REACHED))
def test_every_phase_fits_on_80_columns_and_24_lines_with_where_how_sure_and_why(name: str) -> None:
    policy = policy_in(name)
    lines = screen(policy, 80, 24)
    assert len(lines) <= 24 and max(map(len, lines)) <= 80, "\n".join(lines)
    assert phase_of(policy) in lines[0]
    labels = {line.split()[0] for line in lines if line[:1].strip()}
    assert {"where"} <= labels and labels & {"now", "held"}
    assert not any("…" in line for line in lines)


@pytest.mark.slow
@every_row("name", ALL_RECORDED)
def test_statuses_of_earlier_releases_fit_too(name: str) -> None:
    policy = recorded(name)
    lines = screen(policy, 80, 24)
    assert len(lines) <= 24 and max(map(len, lines)) <= 80, "\n".join(lines)
    assert phase_of(policy) in lines[0]


@pytest.mark.parametrize("width", [60, 120])
@pytest.mark.parametrize("name", ["observing claims", "several, one dropped", "a search is over", "blind"])
def test_no_line_is_wider_than_the_terminal_and_all_is_there_in_a_pipe(name: str, width: int) -> None:
    policy = policy_in(name)
    lines, whole = screen(policy, width), screen(policy, UNLIMITED)
    assert max(map(len, lines)) <= width
    numbers = set(re.findall(r"\d[\d,.]*", " ".join(whole)))
    assert numbers <= set(re.findall(r"\d[\d,.]*", " ".join(lines)))


def test_a_message_of_2048_characters_is_shortened_at_the_end_of_a_sentence() -> None:
    policy = deepcopy(policy_in("observing a broken split"))
    sentence = "The gateway answers as nobody asked it to, by 3 of 24 probes. "
    for each in policy["status"]["conditions"]:
        each["message"] = (sentence * 40)[:2048].strip()
    lines = screen(policy, 80, 24)
    held = " ".join(" ".join(lines).split())
    assert len(lines) <= 24 and "by 3 of 24 probes." in held
    assert "last" in {line.split()[0] for line in lines if line[:1].strip()} or held.count("24 probes") > 1


def test_ten_candidates_fit_each_with_its_interval() -> None:
    policy = deepcopy(policy_in("several, observed"))
    lines = screen(policy, 80, 24)
    assert len(lines) <= 24
    names = [each["name"] for each in policy["status"]["candidates"]]
    assert all(any(line.startswith(name) for line in lines) for name in names)


@pytest.mark.slow
def test_the_screens_are_those_that_were_looked_at() -> None:
    found = {path.name: path.read_text() for path in FOLDER.glob("*.txt")}
    assert found == drawn(), "python -m tests.unit.cli.expected_screens writes them anew"


def test_a_forecast_is_told_as_an_interval_with_how_it_ends() -> None:
    policy = recorded("cohort-midway")
    assert remaining_of(policy, moment_of(policy)) is not None
    text = " ".join(screen(policy, 200, forecast=True))
    assert re.search(r"verdict in (about )?\d.* \(promoted \d+ %", text)


def test_of_blocks_those_of_the_highest_rank_are_shortened_first_and_others_stay() -> None:
    long, short = labelled("a", *map(str, range(9))), labelled("a", "0")
    blocks = [Block((long, short), rank=1), Block((long, short, None), rank=2), Block((long,))]
    lines = {height: text_of(FittedScreen(blocks, height), 80).splitlines() for height in (27, 20, 10, 1)}
    assert [len(each) for each in lines.values()] == [27, 19, 10, 10]


def test_colour_is_left_out_without_a_terminal_and_with_no_color(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn_in = Text("Promoted", style="green")

    def written(*, terminal: bool) -> str:
        console = Console(force_terminal=terminal, width=80)
        with console.capture() as kept:
            console.print(drawn_in)
        return kept.get()

    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    assert "\x1b[32m" in written(terminal=True) and "\x1b" not in written(terminal=False)
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b[32m" not in written(terminal=True)


def test_a_text_is_kept_up_to_whole_sentences() -> None:
    text = "One is 1.5 long. Two follows. Three is the last."
    assert sentences_within(text, 1) == "One is 1.5 long."
    assert sentences_within(text, 30) == "One is 1.5 long. Two follows."
    assert sentences_within(text, 1000) == text and sentences_within("", 5) == ""


def test_a_word_that_is_wider_than_the_screen_is_folded_and_whole() -> None:
    text = text_of(labelled("where", said("x" * 150)), 60)
    assert text.count("x") == 150 and max(map(len, text.splitlines())) <= 60
