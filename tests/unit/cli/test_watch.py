"""`watch` and `wait` follow a policy by what the cluster tells, over connections that break off, to the end."""

from __future__ import annotations

from io import StringIO
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from rich.ansi import AnsiDecoder
from rich.console import Console
from typer.testing import CliRunner, Result

from earlystop.cli.durations import seconds_of
from earlystop.cli.endings import is_over
from earlystop.cli.follow import follow_on
from earlystop.cli.main import app
from earlystop.cli.policy_changes import policy_changes
from earlystop.controller.cluster import Manifest
from tests.unit.cli.shown_policies import policy_in
from tests.unit.cli.watched_api import WatchedApi, event, version

UNDER_WAY, PROMOTED, ROLLED_BACK = (policy_in(each) for each in ("observing", "promoted", "rolled back"))
QUICKLY = ("--seconds", "0.1")


def run(*words: str) -> Result:
    return CliRunner().invoke(app, list(words))


def lines_of(api: WatchedApi, folder: Path, monkeypatch: pytest.MonkeyPatch, *words: str) -> list[str]:
    with api.serving(folder, monkeypatch):
        result = run("watch", "qa", *QUICKLY, *words)
    assert result.exit_code == 0, (result.output, result.exception)
    return result.stdout.splitlines()


def test_each_look_is_a_line_and_the_last_says_how_it_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    api = WatchedApi([version(UNDER_WAY, 1), version(PROMOTED, 2)], [[("MODIFIED", version(PROMOTED, 2))]])
    shown = lines_of(api, tmp_path, monkeypatch)
    assert "Observing" in shown[0] and "Promoted" in shown[-1] and len(shown) <= 2


def test_one_policy_is_watched_from_the_version_that_was_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    api = WatchedApi([version(UNDER_WAY, 7)], [[("MODIFIED", version(PROMOTED, 8))]])
    lines_of(api, tmp_path, monkeypatch)
    query = next(parse_qs(parts.query) for each in api.asked if "watch" in (parts := urlsplit(each)).query)
    assert query["resourceVersion"] == ["7"] and query["fieldSelector"] == ["metadata.name=qa"]


@pytest.mark.parametrize("broken", [None, (), [("ERROR", {"kind": "Status", "code": 410})], [("BOOKMARK", {})]])
def test_a_watch_that_ends_breaks_off_or_is_too_old_is_begun_again(
    broken: list[tuple[str, Manifest]] | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    api = WatchedApi([version(UNDER_WAY, 1), version(PROMOTED, 2)], [broken])
    assert "Promoted" in lines_of(api, tmp_path, monkeypatch)[-1]


def test_an_object_of_a_megabyte_comes_over_a_watch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    large = version(PROMOTED, 2)
    large["metadata"]["annotations"] = {"large": "x" * 1_000_000}
    api = WatchedApi([version(UNDER_WAY, 1), large], [[("MODIFIED", large)]])
    assert "Promoted" in lines_of(api, tmp_path, monkeypatch)[-1]


def test_a_policy_that_is_deleted_ends_it_with_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    deleted = WatchedApi([version(UNDER_WAY, 1)], [[("DELETED", version(UNDER_WAY, 2))]])
    gone = WatchedApi([version(UNDER_WAY, 1), None], [()])
    for api in (deleted, gone):
        with api.serving(tmp_path, monkeypatch):
            result = run("watch", "qa", *QUICKLY)
        assert result.exit_code == 1 and "The policy llm/qa was deleted." in result.stderr


def test_the_right_to_watch_is_named_where_it_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with WatchedApi([version(UNDER_WAY, 1)], refusals=[403]).serving(tmp_path, monkeypatch):
        result = run("watch", "qa", *QUICKLY)
    assert result.exit_code == 1
    assert "The verb watch on earlystoppolicies.earlystop.dev, as in the role `view`, is needed" in result.stderr


def test_a_server_that_fails_is_told_of_and_asked_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    api = WatchedApi([version(UNDER_WAY, 1), version(PROMOTED, 2)], refusals=[500])
    with api.serving(tmp_path, monkeypatch):
        result = run("watch", "qa", *QUICKLY)
    assert result.exit_code == 0 and "It is tried again." in result.stderr and "Promoted" in result.stdout


@pytest.mark.parametrize(("policy", "code"), [(PROMOTED, 0), (ROLLED_BACK, 3), (policy_in("held"), 4)])
def test_waiting_ends_with_the_rollout_and_its_exit_status_says_how(
    policy: Manifest, code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    api = WatchedApi([version(UNDER_WAY, 1), version(policy, 2)], [[("MODIFIED", version(policy, 2))]])
    with api.serving(tmp_path, monkeypatch):
        assert run("wait", "qa", "--timeout", "30s", "--exit-status").exit_code == code


def test_waiting_for_longer_than_was_asked_for_fails_and_says_where_the_rollout_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with WatchedApi([version(UNDER_WAY, 1)]).serving(tmp_path, monkeypatch):
        result = run("wait", "qa", "--timeout", "1", "--exit-status")
    assert result.exit_code == 1
    assert "qa is Observing after 1 s. What it waits for: kubectl earlystop explain qa." in result.stderr


def test_an_edit_that_nobody_has_acted_on_is_not_over_by_the_campaign_before_it() -> None:
    edited = version(PROMOTED, 2)
    edited["metadata"]["generation"] = 2
    assert is_over(PROMOTED) and not is_over(edited) and not is_over(UNDER_WAY)
    edited["status"] |= {"observedGeneration": 2}
    for each in edited["status"]["conditions"]:
        each["status"] = "False" if each["type"] == "Completed" else each["status"]
    assert not is_over(edited)


def test_durations_are_written_as_for_kubectl_and_others_are_refused_as_usage() -> None:
    assert [seconds_of(each) for each in ("90", "90s", "1h30m", "12h", "2d")] == [90, 90, 5400, 43200, 172800]
    for wrong in ("", "soon", "-1s", "1.5h", "nan", "1w", "1h30"):
        result = run("wait", "qa", "--timeout", wrong)
        assert result.exit_code == 2 and "30m" in result.stderr, (wrong, result.output)


@pytest.mark.slow
async def test_on_a_terminal_the_screen_is_drawn_in_place_until_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Once it is promoted it stays so, also for who was drawing meanwhile and reads it again.
    api = WatchedApi([version(UNDER_WAY, 1), version(PROMOTED, 2)], [[("MODIFIED", version(PROMOTED, 2))]])
    terminal = Console(file=StringIO(), force_terminal=True, width=80, height=24, highlight=False)
    with api.serving(tmp_path, monkeypatch):
        ended = await follow_on(None, None, "qa", 0.1, terminal)
    assert ended["status"]["phase"] == "Promoted"
    assert isinstance(terminal.file, StringIO)
    drawn = [text.plain for text in AnsiDecoder().decode(terminal.file.getvalue())]
    assert max(map(len, drawn)) <= 80
    last = "\n".join(drawn[-23:])
    assert "Promoted" in last and "where" in last and "100 % now" in last


async def test_the_latest_events_of_this_very_policy_are_shown_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    uid = UNDER_WAY["metadata"]["uid"]
    posted = [
        event("First", "a", uid, "2026-01-01T00:00:01Z"),
        event("Latest", "b", uid, "2026-01-01T00:00:09Z"),
        event("OfAnother", "c", "another"),
        event("Broken", "d", uid, "never"),
    ]
    with WatchedApi([version(UNDER_WAY, 1)], events=posted).serving(tmp_path, monkeypatch):
        async with policy_changes(None, None, "qa", 0.1) as changes:
            await anext(changes)
            found = await changes.events()
    assert [each.reason for each in found] == ["Latest", "First"]
