"""Questions that lead to no evidence are told: why, where and what to check, without keys, and not once a question."""

from __future__ import annotations

import json
import logging

import pytest
from aiohttp import web

from earlystop.api.counts import Variant
from earlystop.evaluator.address import checked_url, shown_url
from earlystop.evaluator.client import Asker, AskSettings
from earlystop.evaluator.grading import Answer, Attribution
from earlystop.evaluator.notices import SECONDS_BETWEEN_NOTICES, Notices, reason_of
from earlystop.evaluator.pin import RoutePin
from earlystop.evaluator.questions import GoldenQuestion
from earlystop.evaluator.service import EvaluationPlan
from tests.unit.evaluator.counted import Page, evaluator
from tests.unit.evaluator.serving import listening

NOBODY = "http://127.0.0.1:9/v1"
QUESTION = GoldenQuestion("q", ("42",))


async def ask(url: str, times: int = 1, **settings: str) -> None:
    async with Asker(AskSettings(url, "m", retries=0, **settings), RoutePin()) as asker:  # type: ignore[arg-type]
        for _ in range(times):
            await asker.ask("q", Variant.BASELINE)


def replying(status: int, text: str) -> web.Application:
    async def answer(request: web.Request) -> web.Response:
        return web.Response(status=status, text=text, content_type="application/json")

    app = web.Application()
    app.router.add_post("/v1/chat/completions", answer)
    return app


async def test_a_gateway_that_nobody_reaches_is_told_once_with_its_url_and_the_system_words(
    caplog: pytest.LogCaptureFixture,
) -> None:
    await ask(NOBODY, times=5)
    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    assert f"no answer from {NOBODY}, asked of variant baseline: Connection error (" in caplog.text
    assert "check --url" in caplog.text


@pytest.mark.parametrize("status", [400, 401, 403, 404, 422, 429, 500, 503])
async def test_a_server_that_repeats_what_it_was_sent_puts_no_key_and_nothing_for_a_terminal_into_the_log(
    status: int, caplog: pytest.LogCaptureFixture
) -> None:
    async def answer(request: web.Request) -> web.Response:
        known = request.headers["authorization"]
        said = f"no model m; {known}; sk-a...0123; \x1b]0;x\x07 {dict(request.headers)}"
        return web.json_response({"error": {"message": said}}, status=status)

    app = web.Application()
    app.router.add_post("/v1/chat/completions", answer)
    async with listening(app) as url:
        await ask(url, api_key="sk-planted-0123")
    assert str(status) in caplog.text and "planted" not in caplog.text and "\x1b" not in caplog.text
    assert ("no model m" in caplog.text, "sk-a" in caplog.text) == (status != 401, status != 401)


@pytest.mark.parametrize(
    ("status", "text", "said"),
    [
        (404, json.dumps({"error": "no such model"}), "check --url, which ends with /v1, --host-header and --model"),
        (401, "{}", "check OPENAI_API_KEY"),
        (503, "{}", "503"),
        (200, "<html>", "no chat completion; check --url"),
        (200, "[]", "no chat completion; check --url"),
    ],
)
async def test_whatever_a_server_answers_in_place_of_a_completion_is_told(
    caplog: pytest.LogCaptureFixture, status: int, text: str, said: str
) -> None:
    async with listening(replying(status, text)) as url:
        await ask(url)
    assert said in caplog.text and url in caplog.text


@pytest.mark.parametrize("key", ["secret\nkey", "secret-kéy"])
async def test_no_key_and_no_password_is_logged_however_a_request_fails(
    caplog: pytest.LogCaptureFixture, key: str
) -> None:
    await ask("http://me:secret@127.0.0.1:9/v1", api_key=key)
    assert "http://127.0.0.1:9/v1" in caplog.text and "secret" not in caplog.text


def test_a_kind_is_told_at_once_then_after_ten_minutes_with_how_often_it_happened(
    caplog: pytest.LogCaptureFixture,
) -> None:
    now = [0.0]
    notices = Notices(lambda: now[0])
    for _ in range(3):
        notices.warn("a", "first")
    notices.warn("b", "other")
    now[0] = SECONDS_BETWEEN_NOTICES
    notices.warn("a", "second")
    now[0] *= 2
    notices.warn("a", "third")
    told = "second (and 2 times since this was last logged)"
    assert [record.getMessage() for record in caplog.records] == ["first", "other", told, "third"]


def test_a_deadline_and_words_of_several_lines_are_told_in_one() -> None:
    assert "within the deadline" in reason_of(TimeoutError())
    assert reason_of(RuntimeError("two\nlines")) == "RuntimeError: two lines"


class Fixed:
    """Answers under an attribution, whatever was asked."""

    def __init__(self, attribution: Attribution | None) -> None:
        self._attribution = attribution

    async def ask(self, question: str, variant: str, body: str = "") -> Answer:
        return Answer("42", "stop", 1, self._attribution)


@pytest.mark.parametrize(
    ("attribution", "said"),
    [(None, "check that a campaign of --policy runs"), (Attribution("r1", 0, "w5"), "check --candidate-name")],
)
async def test_pairs_that_nobody_can_be_given_are_told_once(
    caplog: pytest.LogCaptureFixture, attribution: Attribution | None, said: str
) -> None:
    page = Page()
    asking = evaluator(page, Fixed(attribution), (QUESTION,))
    for _ in range(3):
        await asking.ask_pair(QUESTION)
    assert page.sum("earlystop_evaluator_pairs_discarded_total") == 3
    assert len(caplog.records) == 1 and said in caplog.text


@pytest.mark.parametrize("policy", ["qwen-cap", "/qa", "llm/", "llm/qa/x", "LLM/qa", ""])
def test_a_policy_without_its_namespace_is_refused(policy: str) -> None:
    with pytest.raises(ValueError, match="write its namespace and name, such as llm/qa"):
        EvaluationPlan(policy, 9)


REFUSED = (
    "127.0.0.1:8000 gateway/v1 http:// http://:80/v1 ftp://h http://h:x http://h:0 http://[::1 http://me:secret@h:99999"
)


@pytest.mark.parametrize("url", [*REFUSED.split(), " http://h", "http://a b/v1", ""])
def test_an_address_without_scheme_host_or_a_port_that_can_be_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r"--url is .*; write http:// or https://") as refused:
        checked_url("--url", url)
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize("url", [NOBODY, "https://gateway", "HTTP://h/v1", "http://[::1]:8000/v1", "http://u:p@h/v1"])
def test_an_address_of_an_api_is_taken(url: str) -> None:
    assert checked_url("--url", url) == url


def test_a_shown_address_is_whole_but_for_user_and_password() -> None:
    assert shown_url("http://u:p@h:1/a@b") == "http://h:1/a@b"
    assert shown_url("u:p@h/redirect://x") == "h/redirect://x"
