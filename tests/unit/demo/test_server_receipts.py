"""The reference server gives answers that count for a campaign a receipt, and counts labels of none that it scores."""

from __future__ import annotations

import pytest

from earlystop.api.counts import Tally
from earlystop.api.wire import GOLDEN_HEADER, RESPONSE_HEADER
from earlystop.demo.app import ServerSettings
from earlystop.exporter.receipts import Receipts
from tests.unit.demo.recorded import recordings
from tests.unit.demo.serving import POLICY, REVISION, ask, serving, tallies, told

KEY = b"0123456789abcdef" * 2
SETTINGS = ServerSettings(receipt_keys=(KEY,))
QUESTION = recordings()[0].question


@pytest.mark.parametrize("late_labels", [False, True])
async def test_an_answer_has_a_receipt_of_its_request_that_says_whether_it_takes_labels(late_labels: bool) -> None:
    settings = ServerSettings(receipt_keys=(KEY,), late_labels=late_labels)
    async with serving(settings) as (client, _):
        answer = await ask(client, QUESTION, told("candidate", 5, step=2))
        counted = await tallies(client)
    found = Receipts([KEY]).open(answer.headers[RESPONSE_HEADER])
    assert found is not None and found.is_scored is not late_labels
    assignment = found.assignment
    assert (assignment.policy, assignment.revision, assignment.step) == (POLICY, REVISION, 2)
    assert assignment.variant == "candidate"
    tally = counted[REVISION, "2", "candidate"]
    assert (tally.completed, tally.tried) == (1, 0 if late_labels else 1)


async def test_what_counts_for_nobody_and_what_has_failed_has_no_receipt() -> None:
    async with serving(SETTINGS) as (client, _):
        answers = [
            await ask(client, QUESTION, {}),
            await ask(client, "no such question", told()),
            await ask(client, QUESTION, told() | {GOLDEN_HEADER: "candidate"}),
            await ask(client, QUESTION, told(policy="no policy")),
        ]
    assert not [answer for answer in answers if RESPONSE_HEADER in answer.headers]


async def test_without_keys_no_answer_has_a_receipt() -> None:
    async with serving(ServerSettings()) as (client, _):
        answer = await ask(client, QUESTION, told())
        assert answer.status == 200 and RESPONSE_HEADER not in answer.headers
        assert (await tallies(client))[REVISION, "0", "candidate"] != Tally()


def test_no_text_of_the_settings_holds_a_key() -> None:
    assert KEY.decode() not in repr(SETTINGS)
