"""An injector that draws variants: by the weights in its file, whoever asks, and counted as a gateway's would be."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from multidict import CIMultiDict, CIMultiDictProxy

from earlystop.api.wire import IN_FORCE_MARK, commitment_of, signed_nonce
from earlystop.exporter.settings_document import BY_USER, SettingsDocument, VariantSettings, written
from earlystop.injector.drawing import DrawingSettings, UserKey
from earlystop.injector.main import drawing_of
from tests.unit.exporter.mounts import KEY, MountedVolume
from tests.unit.injector.stub_engine import StubEngine
from tests.unit.injector.through import CHAT, HEADERS, POLICY, REVISION, SETTINGS, Client, client

TOKEN = "t" * 43
CAP = {"cap": "20"}
CANDIDATE, BASELINE = {"x-early-stop-golden": "candidate"}, {"x-early-stop-golden": "baseline"}


def weights(candidate: int, **changes: Any) -> SettingsDocument:
    """Weights of a policy whose candidate caps answers, and whose baseline leaves bodies alone."""
    variants = (
        VariantSettings("baseline", 100 - candidate, {}),
        VariantSettings("candidate", candidate, {"cap": "20"}),
    )
    return SettingsDocument(POLICY, "uid-1", REVISION, 0, variants, **changes)


@asynccontextmanager
async def drawing(
    mount: Path, document: SettingsDocument | None, user_key: UserKey | None = None
) -> AsyncIterator[tuple[Client, StubEngine]]:
    """A client of an injector with this document in its mount, None for none."""
    if document is not None:
        MountedVolume(mount).project({KEY: written(document)})
    engine = StubEngine()
    settings = replace(SETTINGS, policies=(POLICY,), drawing=DrawingSettings(mount / KEY, POLICY, user_key))
    async with client(engine, settings) as asking:
        yield asking, engine


async def ask(asking: Client, **headers: str) -> None:
    async with asking.session.post(CHAT, json={"seed": 1}, headers=headers) as answer:
        assert answer.status == 200
        await answer.read()


def capped(engine: StubEngine) -> list[bool]:
    """Of each body that the engine got, whether the candidate's setting is in it."""
    return ["max_completion_tokens" in json.loads(body) for body, _ in engine.received]


@pytest.mark.slow
async def test_requests_are_split_by_the_weights_of_the_file_and_counted_by_variant(tmp_path: Path) -> None:
    async with drawing(tmp_path, weights(30)) as (asking, engine):
        for _ in range(200):
            await ask(asking)
        tried = sum(capped(engine))
        assert 30 <= tried <= 90  # 60 of 200; beyond with probability below 1e-5
        assert (await asking.counts())["completed"] == tried
        assert (await asking.counts("baseline"))["completed"] == 200 - tried


async def test_no_header_of_a_client_chooses_its_variant_or_reaches_the_engine(tmp_path: Path) -> None:
    async with drawing(tmp_path, weights(0)) as (asking, engine):
        await ask(asking, **HEADERS)
        await ask(asking, **CANDIDATE)
        assert capped(engine) == [False, False]
        assert (await asking.counts("baseline"))["completed"] == 2
        assert not [name for _, received in engine.received for name in received if name.lower().startswith("x-early")]


async def test_weights_that_change_are_followed_without_a_restart_and_each_process_says_by_which_it_draws(
    tmp_path: Path,
) -> None:
    volume = MountedVolume(tmp_path)
    async with drawing(tmp_path, None) as (asking, engine):
        await ask(asking)
        for candidate in (100, 0):
            volume.project({KEY: written(weights(candidate))})
            await _until_reported(asking, weights(candidate).digest)
            await ask(asking)
        assert capped(engine) == [False, True, False]
        # What came before any weights were read is evidence for nobody.
        counted = [(await asking.counts(name))["started"] for name in ("candidate", "baseline")]
        assert counted == [1, 1]


async def _until_reported(asking: Client, digest: str) -> None:
    for _ in range(200):
        if f'digest="{digest}"' in await asking.page():
            return
        await asyncio.sleep(0.05)
    raise AssertionError(await asking.page())


@pytest.mark.slow
@pytest.mark.parametrize(
    ("key", "headers"),
    [
        (UserKey("Header", "x-user"), {"X-User": "{}"}),
        (UserKey("Cookie", "sid"), {"Cookie": "theme=a b; sid={}; other=1"}),
        (UserKey("ApiKey"), {"Authorization": "Bearer {}"}),
        (UserKey("ApiKey"), {"x-api-key": "{}"}),
    ],
    ids=["header", "cookie", "bearer", "x-api-key"],
)
async def test_a_user_keeps_the_variant_and_who_is_not_known_is_counted_nowhere(
    tmp_path: Path, key: UserKey, headers: dict[str, str]
) -> None:
    async with drawing(tmp_path, weights(50, drawn_by=BY_USER), key) as (asking, engine):
        for user in [f"u{number}" for number in range(20)] * 3:
            await ask(asking, **{name: text.format(user) for name, text in headers.items()})
        got = capped(engine)
        assert got[:20] == got[20:40] == got[40:] and 1 <= sum(got[:20]) <= 19
        await ask(asking)
        assert capped(engine)[-1] is False
        assert (await asking.counts())["started"] + (await asking.counts("baseline"))["started"] == 60


def test_a_key_that_is_there_twice_or_empty_names_nobody() -> None:
    def named(key: UserKey, *pairs: tuple[str, str]) -> str | None:
        return key.of(CIMultiDictProxy(CIMultiDict(pairs)))

    assert named(UserKey("Header", "x-user"), ("x-user", "a"), ("X-User", "b")) is None
    assert named(UserKey("Cookie", "sid"), ("cookie", "sid=a; sid=b")) is None
    assert named(UserKey("Cookie", "sid"), ("cookie", "x=1"), ("cookie", "sid=a")) == "a"
    assert named(UserKey("Cookie", "sid"), ("cookie", 'bad[=1; "; sid=a')) == "a"
    assert named(UserKey("ApiKey")) is None


async def test_an_evaluators_question_gets_the_variant_that_it_names_and_is_not_counted_here(tmp_path: Path) -> None:
    async with drawing(tmp_path, weights(5)) as (asking, engine):
        for headers in (CANDIDATE, BASELINE):
            async with asking.session.post(CHAT, json={}, headers=headers) as answer:
                assert answer.headers["x-early-stop-variant"] == headers["x-early-stop-golden"]
                assert answer.headers["x-early-stop-revision"] == REVISION
        assert capped(engine) == [True, False]
        counts: Counter[str] = Counter(await asking.counts()) + Counter(await asking.counts("baseline"))
        assert counts["started"] == 0


async def test_the_operators_probe_is_answered_once_its_campaign_is_known_and_nobody_elses_is(tmp_path: Path) -> None:
    revision = f"0123456789-{commitment_of(POLICY, TOKEN)}"
    document = replace(weights(50), revision=revision, token=TOKEN, digest="")
    nonce = signed_nonce(TOKEN, "n1")
    async with drawing(tmp_path, None) as (asking, _):
        assert await _probed(asking, nonce, "candidate") == (503, None)
    async with drawing(tmp_path, document) as (asking, engine):
        for variant in ("baseline", "candidate"):
            echo = f"{nonce}{IN_FORCE_MARK};{document.revision};{variant}"
            assert await _probed(asking, nonce, variant) == (204, echo)
        assert await _probed(asking, "made up", "candidate") == (503, None)
        assert engine.received == []


async def _probed(asking: Client, nonce: str, variant: str) -> tuple[int, str | None]:
    headers = {"x-early-stop-probe": nonce, "x-early-stop-golden": variant}
    async with asking.session.post(CHAT, json={}, headers=headers) as answer:
        return answer.status, answer.headers.get("x-early-stop-echo")


async def test_settings_that_this_injector_has_no_field_for_are_neither_served_nor_counted(tmp_path: Path) -> None:
    variants = (VariantSettings("baseline", 0, {}), VariantSettings("candidate", 100, {"other": "1"}))
    async with drawing(tmp_path, replace(weights(0), variants=variants, digest="")) as (asking, engine):
        await ask(asking)
        assert capped(engine) == [False] and (await asking.counts())["started"] == 0


def test_what_is_written_on_the_command_line_and_cannot_be_drawn_by_is_told() -> None:
    assert drawing_of("", (), "") is None
    assert drawing_of("/w.json", (POLICY,), "Cookie=sid") == DrawingSettings(
        "/w.json", POLICY, UserKey("Cookie", "sid")
    )
    for wrong in (("", (POLICY,), "ApiKey"), ("/w", (), ""), ("/w", (POLICY, "llm/b"), "")):
        with pytest.raises(ValueError, match="write"):
            drawing_of(*wrong)
    for key in ("Header", "ApiKey=x", "header=x", "Body=x", "Cookie="):
        with pytest.raises(ValueError, match="--user-key"):
            drawing_of("/w.json", (POLICY,), key)
