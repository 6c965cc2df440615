"""What people are told of questions that lead to no evidence: why, where, what to check, and not once a question."""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable, Mapping

import openai

from earlystop.evaluator.grading import Spoilt

log = logging.getLogger(__name__)

SECONDS_BETWEEN_NOTICES = 600.0
_LONGEST_REASON = 300
_SHORTEST_SECRET = 6
_NO_SECRETS = frozenset(
    {"accept", "accept-encoding", "connection", "content-length", "content-type", "host", "user-agent"}
)
"""Headers of requests, in small letters, that the library sets and everybody may read."""

UNCOUNTED: Mapping[Spoilt, str] = {
    Spoilt.UNATTRIBUTED: (
        "a pair is not counted, since an answer does not say which revision, step and variant gave it; check that a "
        "campaign of --policy runs, that --url leads through its gateway and its servers serve this policy, "
        "--candidate-name where the policy tries several side by side, and --header-prefix"
    ),
    Spoilt.OTHER_VARIANT: (
        "a pair is not counted, since another variant answered than was asked; check --candidate-name, and that --url "
        "leads through the gateway of --policy"
    ),
}
"""What to check where pairs are discarded for long. Other reasons pass, or are told where they arise."""


class Notices:
    """Warnings about what may happen with each question: the first of a kind at once, then one in ten minutes.

    clock: seconds that never go back.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._told: dict[str, float] = {}
        self._untold: Counter[str] = Counter()

    def warn(self, kind: str, message: str) -> None:
        """Log the message, unless one of its kind was logged a short while ago. kind: one of a few words."""
        now = self._clock()
        if kind in self._told and now - self._told[kind] < SECONDS_BETWEEN_NOTICES:
            self._untold[kind] += 1
            return
        self._told[kind] = now
        more = self._untold.pop(kind, 0)
        log.warning("%s%s", message, f" (and {more} times since this was last logged)" if more else "")


def kind_of(error: BaseException) -> str:
    """Which errors are told as one: those of a type and, where a server answered, of a status."""
    return f"{type(error).__name__} {getattr(error, 'status_code', '')}".strip()


def reason_of(error: BaseException) -> str:
    """Why a request has no answer, in one line. It holds no key: of what lies below an error, only the system's words
    are taken, and a server's words are left without what it was sent as a secret. What refuses a key may show half of
    it, so a 401 is told without any."""
    if isinstance(error, TimeoutError):
        return "no whole answer within the deadline of all tries"
    if isinstance(error, openai.OpenAIError):
        text, cause = _servers_words(error).rstrip("."), _system_words(error)
        said = f"{text} ({cause})" if cause else text
    else:
        said = f"{type(error).__name__}: {error}"
    line = " ".join(said.split())
    return "".join(each if each.isprintable() else "?" for each in line)[:_LONGEST_REASON]


def _servers_words(error: openai.OpenAIError) -> str:
    if not isinstance(error, openai.APIStatusError):
        return str(error)
    if error.status_code == 401:
        return "Error code: 401"
    text = str(error)
    for name, value in error.request.headers.items():
        for part in value.split():
            if name not in _NO_SECRETS and not name.startswith("x-stainless-") and len(part) >= _SHORTEST_SECRET:
                text = text.replace(part, "(a secret)")
    return text


def what_to_check(error: BaseException) -> str:
    """The end of a sentence about a failed question to the gateway: the options that are likely to be wrong; "" where
    none is."""
    status = getattr(error, "status_code", None)
    if status in (401, 403):
        return "; check OPENAI_API_KEY"
    if status in (404, 405):
        return "; check --url, which ends with /v1, --host-header and --model"
    return "; check --url" if isinstance(error, openai.APIConnectionError) else ""


def _system_words(error: BaseException) -> str:
    """What the operating system says at the root of an error, such as Connection refused; "" where it says nothing."""
    words = ""
    below: BaseException | None = error
    while below is not None:
        if isinstance(below, OSError):
            words = below.strerror or words
        below = below.__cause__ or below.__context__
    return words
