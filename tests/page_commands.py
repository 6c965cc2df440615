"""The commands in the blocks of the documentation's pages, and what runs each of them in the tests.

A command that stands in no table here fails `tests/unit/docs/test_page_commands.py`, so none is shown that nobody has
run.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from tests.unit.docs.pages import DOCS

PROGRAMS = ("kubectl", "helm", "make", "python", "pip", "openssl", "curl", "cosign")


@dataclass(frozen=True, slots=True)
class Shown:
    """A command of a page. code: how it ends here. wants: what it prints, among others."""

    page: str
    line: str
    code: int = 0
    wants: str = ""


WHILE_IT_WAITS = (
    Shown(
        "approvals.md",
        "kubectl create rolebinding approvers --namespace llm --clusterrole earlystop-approve --group release-managers",
    ),
    Shown("approvals.md", 'kubectl earlystop approve qa -n llm --comment "seen with the team"', wants="Approved by"),
)
"""Run while a promotion of policy qa waits for an approval."""

AFTER_THE_VERDICT = (
    Shown("plan.md", "kubectl earlystop plan policy.yaml --rate 20", wants="scored"),
    Shown("plan.md", "kubectl earlystop plan policy.yaml --rate 20 --em-loss 0.01"),
    Shown("golden-questions.md", "kubectl earlystop plan policy.yaml"),
    Shown("report.md", "kubectl earlystop report qa -n llm -o qa.html", wants="Open it in a browser."),
    Shown("commands.md", "kubectl earlystop history qa -n llm", wants="Against the baseline"),
    Shown("savings.md", "kubectl earlystop savings -A", wants="llm/qa"),
    Shown("class-map.md", "kubectl earlystop class-map POLICY -n NAMESPACE > class-map.yaml", 1, "for query classes"),
    Shown("effort-map.md", "kubectl earlystop effort-map effort -n llm", 1, "a budget for an effort"),
    Shown("record.md", "kubectl get esv VERDICT -n llm -o jsonpath='{.spec.lookTable}' | column -t", wants="weight"),
    Shown(
        "record.md",
        "kubectl get esv VERDICT-2 -n llm -o jsonpath='{.spec.guard.lookTable}' | column -t",
        1,
        "not found",
    ),
    Shown("record.md", "kubectl earlystop verify --chain qa -n llm", wants="the record is whole"),
    Shown(
        "record.md",
        "openssl genpkey -algorithm ed25519 -out key.pem && openssl pkey -in key.pem -pubout -out public.pem",
    ),
    Shown("record.md", "kubectl earlystop statement qa-8c1f0a2b33 -n llm --sign-key key.pem > envelope.json"),
    Shown(
        "record.md",
        "kubectl earlystop verify --statement envelope.json --key public.pem",
        wants="It is signed by the key",
    ),
    Shown("record.md", r"kubectl get secret release-key -n llm -o jsonpath='{.data.key\.pem}' | base64 -d > key.pem"),
    Shown("record.md", "kubectl earlystop statement qa-8c1f0a2b33 -n llm --to-sign to-sign > /dev/null"),
    Shown("record.md", "openssl dgst -sha256 -sign key.pem -out signature to-sign"),
    Shown(
        "record.md",
        "kubectl earlystop statement qa-8c1f0a2b33 -n llm --signature signature --key-id release-key > envelope.json",
    ),
    Shown("record.md", "kubectl earlystop verify --statement envelope.json --extract ."),
    Shown("record.md", "openssl dgst -sha256 -verify public.pem -signature signature-1 signed", wants="Verified OK"),
    Shown(
        "operations.md",
        "kubectl get earlystoppolicies,earlystopverdicts,earlystopcheckpoints,earlystopapprovals,earlystopproposals "
        "-A -o yaml > policies.yaml",
    ),
    Shown("operations.md", "kubectl get metricsources,hooktargets -o yaml > sources.yaml"),
    Shown(
        "hooks.md",
        "kubectl -n earlystop-system create secret generic earlystop-hooks "
        '--from-literal=ci-signing-key="whsec_$(openssl rand -base64 32)" '
        "--from-literal=slack-url=https://hooks.slack.com/services/...",
    ),
    Shown(
        "gitops.md",
        "kubectl earlystop diff qa -n llm -f policies/qa.yaml | git apply",
        128,  # of git, which gets no patch: a person promoted the setting here, so there is none to commit
        "There is nothing to commit: a person promoted the setting",
    ),
    Shown("runbooks.md", "kubectl earlystop abort POLICY -n NS"),
    Shown("operations.md", "kubectl delete earlystoppolicies --all --all-namespaces", wants="deleted"),
    Shown("approvals.md", "kubectl label namespace llm earlystop.dev/asks-people=true"),
)
"""Run once qa is promoted, in this order. `tests/e2e/test_rollout.py` runs these and those before, as lines of a shell
whose namespace is that of the test. No policy there has query classes or efforts, and no guard raised an alarm."""

EVALUATOR = "tests/e2e/test_evaluator.py runs an evaluator on a service; the names of hosts here stand for the reader's"
ELSEWHERE = {
    "helm uninstall earlystop --namespace earlystop-system": "tests/pods/test_installed.py uninstalls the chart; on "
    "the cluster of the other tests nothing is installed by helm",
    "kubectl port-forward -n earlystop-system service/earlystop-metrics 8080:http &": "tests/cluster/"
    "test_served_report.py asks the operator for its page; there it is a process, and no Pod to forward to",
    'curl -H "Authorization: Bearer $(kubectl create token reader -n llm)" http://localhost:8080/report/llm/qa > '
    "qa.html": "tests/cluster/test_served_report.py asks with tokens of several accounts",
    "pip install '.[sign]'": "tests/unit/cli/test_statement.py signs with the package; it would ask a registry",
    "python -m earlystop.evaluator.feedback --policy llm/qa --receipt-key-file /keys/receipts --label-key-file "
    "/keys/labels --state /state/votes.db": "tests/processes/test_feedback.py starts it with keys of its own",
    "python -m earlystop.evaluator --url http://gateway/v1 --golden questions.jsonl --policy llm/thinking "
    "--token-budget 2000000": EVALUATOR,
    "python -m earlystop.evaluator … --judge-url http://judge/v1 --judge-model big --judge-examples "
    "graded.jsonl": "tests/unit/evaluator/test_judge.py has a model judge, test_start_options.py these options",
    "python -m earlystop.evaluator ... --frozen frozen.jsonl": "tests/unit/evaluator/test_frozen.py scores recorded "
    "answers again",
    "curl http://qwen-injector:8000/v1/chat/completions -H 'x-early-stop-policy: llm/by-hand' -H "
    "'x-early-stop-revision: by-hand' -H 'x-early-stop-step: 0' -H 'x-early-stop-variant: baseline' -H "
    "'x-early-stop-param-cap: 16' -H 'content-type: application/json' -d @body.json": "tests/e2e/test_real_engine.py "
    "asks an engine through an injector with such headers; this one's name is the reader's",
}
"""Commands that the tests run in another form, with where, and why not as written."""

_BLOCK = re.compile(r"^ *```(\w*)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
_LANGUAGES = ("", "sh", "console")


def commands_of(text: str) -> list[str]:
    """The command lines of a page's blocks, without prompt and comment, each that goes on after a \\ as one."""
    found = []
    for block in (text for language, text in _BLOCK.findall(text) if language in _LANGUAGES):
        lines = [line.strip() for line in block.replace("\\\n", " ").splitlines()]
        prompted = [line.removeprefix("$ ") for line in lines if line.startswith("$ ")]
        typed = prompted or (lines if lines and lines[0].split(" ")[0] in PROGRAMS else [])
        found += [re.sub(r" +", " ", re.sub(r"\s+# .*", "", line)) for line in typed if line]
    return found


def shown() -> list[tuple[str, str]]:
    """Every page's name with each command line of its blocks."""
    return [(page.name, line) for page in sorted(DOCS.rglob("*.md")) for line in commands_of(page.read_text())]
