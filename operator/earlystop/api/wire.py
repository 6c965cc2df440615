"""Every word that crosses a process border: API group, headers, annotations, labels, metrics. One list for all sides.

Inference servers carry this file with the exporter, so it imports nothing of ours.

Every counter is labelled with the policy's revision and with the process that counted, and starts at 0 in each
process. Such a series only ever grows, so its largest value seen is exact whatever was read twice or missed.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import NamedTuple

GROUP = "earlystop.dev"
VERSION = "v1alpha1"
API_VERSION = f"{GROUP}/{VERSION}"

LEDGER_LIMIT = 40_960
"""Characters that the ledger of a policy may take in its status."""
PACKED_LIMIT = 262_144
"""Characters that the ledger and the looks of a policy may take in its status together: up to ten candidates need a
sixth of it, and a search that tries 200 settings at once half of it for looks, and 15 KiB for each server's series."""

# Annotations by which people ask something of a policy; `api.signatures` names the one that signs each.
ABORT_ANNOTATION = f"{GROUP}/abort"
PROMOTE_ANNOTATION = f"{GROUP}/promote"
RETRY_ANNOTATION = f"{GROUP}/retry"
AUTHOR_ANNOTATION = f"{GROUP}/changed-by"
"""Who last changed what a policy tries and proves; the API server admits nobody else's name."""
# On the operator's own objects: which of their labels and annotations come from the user's object.
CARRIED_ANNOTATION = f"{GROUP}/carried"
# On a target of mode Workload, by its owner: which arguments and variables of which containers policies may set.
SETTABLE_ANNOTATION = f"{GROUP}/settable"
# On a candidate's Deployment: a digest of the Pod template that it was made with.
TEMPLATE_ANNOTATION = f"{GROUP}/template"

MODEL_LABEL = f"{GROUP}/model"
"""On the target's Pod template, by its owner: the model that serves. A certificate is bound to it."""

SETTINGS_LABEL = f"{GROUP}/settings"
SETTINGS_ALLOWED = "true"
"""A user's object with this label may hold the settings of policies: the operator writes into no other."""

HISTORY_LABEL = f"{GROUP}/shares-history"
"""On Namespaces, by an admin: searches in those with the same value may start from each other's verdicts."""

# Labels of the objects that the operator makes.
MANAGED_BY_LABEL = "app.kubernetes.io/managed-by"
MANAGER = "earlystop"
DIGEST_ANNOTATION = f"{GROUP}/digest"
"""Of a verdict: the digest in its record, for lists of metadata alone."""
POLICY_LABEL = f"{GROUP}/policy"
POLICY_UID_LABEL = f"{GROUP}/policy-uid"
INJECTOR_LABEL = f"{GROUP}/injector"
"""Of the injector's Pods; its value is the policy's name."""
WORKLOAD_LABEL = f"{GROUP}/workload"
"""Of a candidate's Pods: name of their Deployment, by which alone its Service selects them."""

DEFAULT_PREFIX = "x-early-stop-"
"""Of the headers by which a request carries its variant. Their names end in `policy`, `revision`, `step` and `variant`,
as counters are labelled, or in one of these words."""
SHADOW = "shadow"
SETTING = "param-"
"""The name of a parameter follows."""
PARAMETERS = "parameters"
"""The names of all parameters that the overlay sets, since a client may add others."""
NO_PARAMETER = "-"
"""Stands for no name at all there: no parameter can be called so."""
TOKEN = "token"  # noqa: S105 - the name of a header, whose value is the secret
"""It is secret: a server compares it and repeats it to nobody."""
PROBE_HEADER = "x-early-stop-probe"
ECHO_HEADER = "x-early-stop-echo"
ASK_HEADER = "x-early-stop-ask"
"""A probe with it that the operator signed and the overlay marked goes on to the engine with its variant's setting. It
is counted nowhere, and the answer comes back with the echo. What others send so is answered as any probe."""
UNKNOWN_FIELDS_HEADER = "x-early-stop-unknown-fields"
"""In the answer to such a question: the fields of its setting, joined by commas, that the engine's own list of fields
does not have."""
UNWRITTEN_HEADER = "x-early-stop-unwritten"
"""In the same answer: the parameters, joined by commas, that a gateway should have written and had not."""
IN_FORCE_MARK = ".in-force"
"""The overlay's rule for probes appends it to the nonce: an echo with it proves that this very object is served."""
RESPONSE_HEADER = "x-early-stop-response"
"""In an answer: its receipt (`exporter.receipts`), by which a vote or a label comes to its campaign later."""
INNER_HEADER = "x-early-stop-inner"
"""Of a request that an injector sends back to a gateway, and of its answer: an inner rule leads it to an InferencePool,
and no client has it. An injector that is asked with it does not pass the request on, which would go round for ever."""
ENGINE_PAGES = ("/health", "/openapi.json")
"""What an injector asks of an engine by itself."""
GOLDEN_HEADER = "x-early-stop-golden"
"""A request with it is for the variant that it names, and counted by no server: the evaluator that asked counts it. It
needs no secret: such a request is evidence for nobody else."""

BASELINE = "baseline"
CANDIDATE = "candidate"
ONE_CANDIDATE: tuple[str, ...] = (BASELINE, CANDIDATE)
"""Variants of a policy that tries one candidate by weights."""
INCUMBENT = "incumbent"
"""Of a search, the best setting that is certified so far: it serves while the next one is tried."""

STARTED = "earlystop_requests_started_total"
REQUESTS = "earlystop_requests_total"
ANSWERS = "earlystop_answers_total"
TOKENS = "earlystop_output_tokens_total"
TOKENS_SQUARED = "earlystop_output_tokens_squared_total"
PAIRS = "earlystop_pairs_total"
PAIR_ANSWERS = "earlystop_pair_answers_total"
FEEDBACK = "earlystop_feedback_total"
EMPTY = "earlystop_empty_answers_total"
CUT = "earlystop_cut_answers_total"
SETTING_INFO = "earlystop_setting_info"
SETTINGS_INFO = "earlystop_settings_info"
"""1 for the policy, revision, step and digest of the settings by which a process serves that reads them itself; but for
the policy these are "" where it has read none."""
EVALUATOR_INFO = "earlystop_evaluator_info"
"""1 for the policy of an evaluator, and digests of how it scores answers and of what it asks."""
SETTINGS_FAULT = "earlystop_settings_fault"
"""1 while a process cannot read its settings and goes on with the last good ones, by `fault`."""
BODY_EFFECTS = "earlystop_injector_settings_total"
"""What an injector did to bodies, by parameter and effect."""
INJECTOR_SEQUENCES = "earlystop_injector_sequences_total"
INJECTOR_TOKENS = "earlystop_injector_tokens_total"
INJECTOR_TOKENS_SQUARED = "earlystop_injector_tokens_squared_total"
INJECTOR_FAILURES = "earlystop_injector_failures_total"
INJECTOR_IN_FLIGHT = "earlystop_injector_in_flight"
INJECTOR_CHOICES = "earlystop_injector_most_choices"
"""All that passed an injector, whosever: what is compared with the counters of the engine behind it."""
FROZEN = "earlystop_frozen_answers_total"
"""Recorded answers with known scores that whoever scores answers has scored again, by policy and result: a scorer that
disagrees more often than before has changed."""
AGREE, DISAGREE = "agree", "disagree"
"""Values of the label `result` there."""
BY_USER_GROUP = "earlystop_user_group_events_total"
"""What happened to the requests of each group of users, by event; of servers that know whose requests are whose."""

POLICY = "policy"
REVISION = "revision"
STEP = "step"
VARIANT = "variant"
QUERY_CLASS = "query_class"
PROCESS = "process"
SERIES_LABELS: tuple[str, ...] = (POLICY, REVISION, STEP, VARIANT, QUERY_CLASS, PROCESS)

USER_GROUP = "user_group"
EVENT = "event"
USER_GROUPS = 32
"""Groups that users are put into by a keyed hash of their name, the same in every process of a campaign."""

FAULT = "fault"
DIGEST = "digest"
SCORER_DIGEST = "scorer_digest"
QUESTIONS_DIGEST = "questions_digest"

OUTCOME = "outcome"
RESULT = "result"
SENTIMENT = "sentiment"
PARAMETER = "parameter"
VALUE = "value"

MATCH = "match"
MISMATCH = "mismatch"
UNSCORED = "unscored"
RESULTS: tuple[str, ...] = (MATCH, MISMATCH, UNSCORED)
LATE_RESULTS: tuple[str, ...] = (MATCH, MISMATCH)
"""Results that may be said of an answer later. Where none ever is, nobody tried to score it."""

PAIR_OUTCOMES: tuple[str, ...] = ("both", "baseline_only", "candidate_only", "neither")
"""Which variants were right when both answered the same question. A pair is of the baseline and of the candidate in its
`variant` label; without that label it is of the one candidate `candidate`."""

PAIR_COMPLETENESS: tuple[str, ...] = (
    "whole",
    "without_baseline_right",
    "without_baseline_wrong",
    "without_candidate_right",
    "without_candidate_wrong",
)
"""Of the same pairs, whose answer is missing, which is one that failed or could not be scored: nobody's, or that of the
one variant, while the other's is right or wrong. Who counts a pair and says none of these does not know it."""


def shadow_header(prefix: str, number: int = 1) -> str:
    """The header that names settings to judge on the baseline's own request. number: which, from 1, of those that hold
    a long list."""
    return f"{prefix}{SHADOW}" + (f"-{number}" if number > 1 else "")


def pair_outcome(baseline: bool, candidate: bool) -> str:
    """The `outcome` label of a pair, from whether each of the two was right."""
    if baseline:
        return "both" if candidate else "baseline_only"
    return "candidate_only" if candidate else "neither"


def pair_completeness(baseline: bool | None, candidate: bool | None) -> str:
    """The `outcome` label of a pair by whose answer is missing. baseline, candidate: whether each was right, None for
    an answer that is missing, which one of the two is at most."""
    if baseline is not None and candidate is not None:
        return "whole"
    if baseline is None:
        return "without_baseline_right" if candidate else "without_baseline_wrong"
    return "without_candidate_right" if baseline else "without_candidate_wrong"


SENTIMENTS: tuple[str, ...] = ("up", "down")

UNASSIGNED = "unassigned"
"""The revision under which a server counts requests whose revision it does not know."""

FORGED = "earlystop_forged_requests_total"
"""Requests that named a revision without its token, by policy and process; they count as unassigned, too."""

COMMITMENT_CHARACTERS = 20
"""5 bits each: whoever knows a revision would have to try 2**99 tokens before one fits."""
_COMMITTED_BYTES = 15  # 24 characters, as whole groups of base32
_WITH_COMMITMENT = re.compile(rf"[0-9a-f]{{10}}-([a-z2-7]{{{COMMITMENT_CHARACTERS}}})")
_TAG_CHARACTERS = 16  # of a probe's nonce, 4 bits each: it can be guessed by asking a server only


def commitment_of(policy: str, token: str) -> str:
    """What a revision says of its campaign's token, from which nobody finds the token. policy: namespace/name."""
    digest = hashlib.sha256(f"{policy}\n{token}".encode(errors="replace")).digest()
    return base64.b32encode(digest[:_COMMITTED_BYTES]).decode().lower()[:COMMITMENT_CHARACTERS]


def commitment_in(revision: str) -> str:
    """The commitment that a revision holds, "" for one without, as of a campaign of an earlier release."""
    found = _WITH_COMMITMENT.fullmatch(revision)
    return found[1] if found else ""


@lru_cache(maxsize=64)  # a server asks for the same few tokens, several times for each request
def is_genuine(policy: str, revision: str, token: str) -> bool:
    """Whether a request that names this revision came by the policy's overlay, which alone knows the token. Nothing can
    be said of a revision without a commitment, so it is taken for genuine."""
    commitment = commitment_in(revision)
    return not commitment or hmac.compare_digest(commitment, commitment_of(policy, token))


def signed_nonce(token: str, text: str) -> str:
    """A probe's nonce that only who knows the token can make. text: what tells it from other nonces."""
    return f"{text}-{_tag(token, text)}"


def is_signed(token: str, nonce: str) -> bool:
    """Whether a probe's nonce, marked by the overlay or not, was made by somebody who knows the token."""
    text, _, tag = nonce.removesuffix(IN_FORCE_MARK).rpartition("-")
    return hmac.compare_digest(tag.encode(errors="replace"), _tag(token, text).encode())


def _tag(token: str, text: str) -> str:
    key, message = token.encode(errors="replace"), text.encode(errors="replace")
    return hmac.new(key, message, hashlib.sha256).hexdigest()[:_TAG_CHARACTERS]


GROUPED_EVENTS: tuple[str, ...] = ("match", "mismatch", "unscored", "failed", "tokens", "feedback_down", "completed")
"""What is counted of each group of users, by the names of `Tally`: the values of the label `event`."""


def user_group(policy: str, revision: str, token: str, user: str) -> int:
    """The group of a user in a campaign. Without the campaign's token nobody finds out whose group it is; other
    campaigns have other groups. policy: namespace/name; token: "" in campaigns without one."""
    name = f"{policy}\n{revision}\n{user}".encode(errors="replace")
    digest = hmac.new(token.encode(errors="replace"), name, hashlib.sha256).digest()
    return int.from_bytes(digest[:8], "big") % USER_GROUPS


MARKS: tuple[str, ...] = (OUTCOME, RESULT, SENTIMENT)
"""Labels that tell the series of one metric apart, in the order of `Selected`."""


class Selected(NamedTuple):
    """One kind of series: the metric's name and its `outcome`, `result` and `sentiment` labels, "" for one it lacks."""

    metric: str
    outcome: str = ""
    result: str = ""
    sentiment: str = ""


SELECTED: Mapping[Selected, str] = MappingProxyType(
    {
        Selected(STARTED): "started",
        Selected(REQUESTS, outcome="completed"): "completed",
        Selected(REQUESTS, outcome="failed"): "failed",
        Selected(ANSWERS, result=MATCH): "match",
        Selected(ANSWERS, result=MISMATCH): "mismatch",
        Selected(ANSWERS, result=UNSCORED): "unscored",
        Selected(TOKENS): "tokens",
        Selected(TOKENS_SQUARED): "tokens_squared",
        Selected(FEEDBACK, sentiment="up"): "feedback_up",
        Selected(FEEDBACK, sentiment="down"): "feedback_down",
        **{Selected(PAIRS, outcome=outcome): f"pairs_{outcome}" for outcome in PAIR_OUTCOMES},
        Selected(EMPTY): "empty",
        Selected(CUT): "cut",
        **{Selected(PAIR_ANSWERS, outcome=outcome): f"pairs_{outcome}" for outcome in PAIR_COMPLETENESS},
    }
)
"""Which series goes into which field of `Tally`; all other label combinations are not counts of this convention."""

COUNT_FIELDS: tuple[str, ...] = tuple(SELECTED.values())
"""The counts of one variant, in the order in which they are kept everywhere (`api.counts.Tally`)."""

FIELD_INDEX: Mapping[tuple[str, str, str, str], int] = {
    (kind.metric, kind.outcome, kind.result, kind.sentiment): COUNT_FIELDS.index(field)
    for kind, field in SELECTED.items()
}
"""(metric, outcome, result, sentiment) -> position in `Tally.row()`. A plain dict: it is asked for every row read."""

COUNTED_METRICS: tuple[str, ...] = tuple(dict.fromkeys(selected.metric for selected in SELECTED))

LATER_METRICS: tuple[str, ...] = (ANSWERS, FEEDBACK)
"""What is counted of answers that another process gave."""
