"""What is posted has the shape that its receivers' specifications ask for, and no text of a policy leads anywhere."""

from __future__ import annotations

import base64
import hashlib
import hmac
from dataclasses import replace
from datetime import datetime
from urllib.parse import urlsplit

import pytest

from earlystop.api.hooks import OccurrenceKind
from earlystop.rollout.hooks.chat import slack_message, teams_message
from earlystop.rollout.hooks.cloud_event import cloud_event
from earlystop.rollout.hooks.occurrence import VerdictFacts, occurrence_id
from earlystop.rollout.hooks.signature import UnusableKey, signed_headers, signing_keys
from tests.unit.rollout.hooks.occurred import POLICY, VERDICT, occurred
from tests.unit.rollout.policies import UID

FULL = replace(VERDICT, requested_by="kubernetes user ada")
VERDICTS = [pytest.param(None, id="no verdict"), pytest.param(VERDICT, id="verdict"), pytest.param(FULL, id="asked")]


@pytest.mark.parametrize("verdict", VERDICTS)
@pytest.mark.parametrize("kind", OccurrenceKind)
def test_a_cloud_event_has_the_attributes_of_version_1_0(kind: OccurrenceKind, verdict: VerdictFacts | None) -> None:
    event = cloud_event(POLICY, occurred(kind, 7, verdict))
    assert event["specversion"] == "1.0" and event["datacontenttype"] == "application/json"
    assert event["id"] == occurrence_id(UID, occurred(kind, 7)) and event["type"] == f"dev.earlystop.{kind.lower()}"
    assert urlsplit(event["source"]).path == event["source"] and event["source"].endswith("/earlystoppolicies/qa")
    assert datetime.fromisoformat(event["time"]).tzinfo is not None
    assert all(name.isalnum() and name.islower() for name in event)  # as the specification wants names of attributes
    assert all(isinstance(value, str) and value for name, value in event.items() if name != "data")
    assert event["data"]["kind"] == kind.value and ("verdict" in event["data"]) is (verdict is not None)


def test_what_a_gate_is_asked_is_no_event_of_the_type_of_what_is_told_of_gates() -> None:
    news = occurred(OccurrenceKind.GATE, 7)
    question = replace(news, proposal=(("candidate", "w5"),))
    assert cloud_event(POLICY, news)["type"] == "dev.earlystop.gate"
    assert cloud_event(POLICY, question)["type"] == "dev.earlystop.gate.question"


def test_events_of_a_policy_are_in_order_by_their_sequence_as_text() -> None:
    numbers = (1, 2, 9, 10, 99, 100, 12_345)
    sequences = [cloud_event(POLICY, occurred(number=each))["sequence"] for each in numbers]
    assert sequences == sorted(sequences)


@pytest.mark.parametrize("verdict", VERDICTS)
@pytest.mark.parametrize("kind", OccurrenceKind)
def test_a_message_for_slack_keeps_to_the_limits_of_its_blocks(
    kind: OccurrenceKind, verdict: VerdictFacts | None
) -> None:
    body = slack_message(POLICY, occurred(kind, 1, verdict, sentence="word " * 96))
    assert set(body) == {"text", "blocks"} and body["text"]
    header, section, context = body["blocks"]
    assert header["type"] == "header" and 0 < len(header["text"]["text"]) <= 150
    assert section["type"] == "section" and 0 < len(section["text"]["text"]) <= 3000
    assert context["type"] == "context" and 1 <= len(context["elements"]) <= 10
    texts = [header["text"], section["text"], *context["elements"]]
    assert all(each["type"] == "plain_text" and each["text"] and each["emoji"] is False for each in texts)


@pytest.mark.parametrize("verdict", VERDICTS)
@pytest.mark.parametrize("kind", OccurrenceKind)
def test_a_message_for_teams_is_one_adaptive_card(kind: OccurrenceKind, verdict: VerdictFacts | None) -> None:
    body = teams_message(POLICY, occurred(kind, 1, verdict))
    assert body["type"] == "message"
    (attachment,) = body["attachments"]
    assert attachment["contentType"] == "application/vnd.microsoft.card.adaptive"
    card = attachment["content"]
    assert card["type"] == "AdaptiveCard" and card["version"] == "1.4"
    title, sentence, facts = card["body"]
    assert title["type"] == sentence["type"] == "TextBlock" and title["text"] and sentence["wrap"] is True
    assert title["color"] in ("Default", "Dark", "Light", "Accent", "Good", "Warning", "Attention")
    assert facts["type"] == "FactSet" and all(each["title"] and each["value"] for each in facts["facts"])


def test_what_people_wrote_is_no_mention_and_no_link_in_a_chat() -> None:
    trap = occurred(sentence="<!channel> look at [this](https://evil.example) & <https://evil.example|that>")
    slack, teams = slack_message(POLICY, trap), teams_message(POLICY, trap)
    assert "<" not in slack["text"] and ">" not in slack["text"]
    assert {each["text"]["type"] for each in slack["blocks"][:2]} == {"plain_text"}
    assert "[" not in str(teams["attachments"][0]["content"]["body"][1]["text"])


def test_a_signature_is_that_of_the_specification() -> None:
    """The example of the Standard Webhooks libraries."""
    keys = signing_keys(b"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n")
    headers = signed_headers(keys, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')
    assert headers == {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }


def test_while_keys_are_changed_a_message_is_signed_by_each() -> None:
    old, new = b"o" * 24, b"n" * 32
    headers = signed_headers(signing_keys(old + b"\n" + new), "m", 5, b"body")
    wanted = [base64.b64encode(hmac.new(key, b"m.5.body", hashlib.sha256).digest()).decode() for key in (old, new)]
    assert headers["webhook-signature"].split() == [f"v1,{each}" for each in wanted]


def test_without_a_key_nothing_claims_to_be_signed() -> None:
    assert "webhook-signature" not in signed_headers((), "m", 5, b"body")


@pytest.mark.parametrize("value", [b"", b" \n ", b"short", b"whsec_!!!!", b"whsec_c2hvcnQ=", b"k" * 24 + b"\nshort"])
def test_a_key_that_is_none_is_refused_and_not_repeated(value: bytes) -> None:
    with pytest.raises(UnusableKey) as refused:
        signing_keys(value)
    assert not value.strip() or value.split()[-1].removeprefix(b"whsec_").decode() not in str(refused.value)
