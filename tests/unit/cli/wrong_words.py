"""Wrong words of a command line and wrong objects in a file, each with a part of the sentence that answers it."""

from __future__ import annotations

from typing import Any

COMMAND_LINES: dict[str, tuple[list[str], str]] = {
    "a rate of nothing": (["plan", "RIGHT", "--rate=0"], "0 is out of bounds; write 0.0001 to 1,000,000."),
    "a rate beyond all servers": (["simulate", "RIGHT", "--rate=1e300"], "write 0.0001 to 1,000,000."),
    "a word for a number": (["plan", "RIGHT", "--rate=20/s"], "write a number alone, as 20, or 0.03 for 3 %."),
    "a wait that no status changes in": (["abort", "qa", "--wait", "--timeout=0s"], "0s is too short; write 1s"),
    "a wait in words": (["pause", "qa", "--timeout=soon"], "soon is no duration; write one such as 90s, 30m or 12h."),
    "a loss in points": (["plan", "RIGHT", "--em-loss=2"], "2 is out of bounds; write -1 to 1."),
    "a loss in points, simulated": (["simulate", "RIGHT", "--em-loss=2"], "2 is out of bounds; write -1 to 1."),
    "half a rollout": (["simulate", "RIGHT", "--runs=1.5"], "write a whole number."),
    "no rollout": (["simulate", "RIGHT", "--runs=0"], "write 1 or more."),
    "a seed below nought": (["simulate", "RIGHT", "--seed=-1"], "write 0 or more."),
    "more tokens saved than there are": (["simulate", "RIGHT", "--saving=3"], "3 is out of bounds"),
    "a spread below nought": (["simulate", "RIGHT", "--spread=-1"], "-1 is out of bounds"),
    "a time before all time": (["counts", "RIGHT", "--prometheus=http://x", "--at=-5"], "write 0 or more."),
    "an output that is none": (["status", "qa", "-o", "xml"], "'xml' is not one of 'screen', 'json', 'yaml'."),
    "an option that is none": (["plan", "--bogus", "RIGHT"], "No such option: --bogus"),
    "a command that is none": (["bogus"], "There is no command bogus; there are get, status,"),
    "a command of kubectl": (["logs", "qa"], "write kubectl logs --namespace earlystop-system"),
    "a command of other rollout tools": (["rollback", "qa"], "write kubectl earlystop abort NAME,"),
    "an option as a command": (["version"], "There is no command version; write kubectl earlystop --version."),
    "no file": (["plan"], "Missing argument 'policy': YAML file of the policy."),
    "no name": (["status"], "Missing argument 'policy': name of the policy."),
    "no output": (["report", "qa"], "Missing option '--output' / '-o': file to write, as in qa.html;"),
    "one file too many": (["plan", "RIGHT", "RIGHT"], "Got unexpected extra argument"),
}

SUPPOSITIONS: dict[str, tuple[list[str], str]] = {
    "a loss that leaves less than no EM": (["--em-loss=0.9"], "leave -0.1 for the candidate"),
    "a loss of a baseline without EM": (["--baseline-em=0", "--em-loss=0.1"], "leave -0.1 for the candidate"),
    "a gain beyond 1": (["--em-loss=-0.5"], "leave 1.3 for the candidate"),
}
"""Suppositions that no traffic fulfils; `plan` and `simulate` answer them alike."""

COHORT = {"variant": "w10", "values": ["beta"]}

OBJECTS: dict[str, tuple[str, Any, str]] = {
    "a kind with a letter too few": (
        "kind",
        "EarlyStopPolcy",
        "kind: EarlyStopPolcy is not known; perhaps EarlyStopPo",
    ),
    "a kind with other capitals": ("kind", "EarlystopPolicy", "perhaps EarlyStopPolicy is meant."),
    "a kind of our group that is none": ("kind", "Policy", "kind: Policy is not known"),
    "a kind that is a number": ("kind", 5, "kind: 5 is no kind; write one, such as EarlyStopPolicy."),
    "no kind": ("kind", None, "kind: null is no kind"),
    "a namespace in capitals": ("metadata.namespace", "LLM", 'metadata.namespace: "LLM" cannot be a namespace'),
    "a namespace with a dot": ("metadata.namespace", "a.b", "cannot be a namespace"),
    "a namespace of 64 letters": ("metadata.namespace", "a" * 64, "at most 63 small letters"),
    "a namespace that is a number": ("metadata.namespace", 5, "metadata.namespace: 5 cannot be a namespace"),
    "a field that metadata does not have": ("metadata.lables", {"a": "b"}, "perhaps labels is meant."),
    "a label that is a number": ("metadata.labels", {"a": 5}, "metadata.labels.a: 5 is no text; write it in quotes."),
    "a label with a blank": ("metadata.labels", {"a": "b c"}, 'metadata.labels.a: "b c" cannot be a label\'s value'),
    "a label of 64 letters": ("metadata.labels", {"a": "b" * 64}, "at most 63 letters"),
    "a label's key with a blank": ("metadata.labels", {"a b": "c"}, "metadata.labels.a b: this is no key"),
    "labels in a list": ("metadata.labels", ["a"], 'metadata.labels: ["a"] is of the wrong type'),
    "an annotation that is true": ("metadata.annotations", {"earlystop.dev/abort": True}, "true is no text"),
    "annotations in a list": ("metadata.annotations", [], "metadata.annotations: [] is of the wrong type"),
    "annotations without end": ("metadata.annotations", {"a": "b" * 2**18}, "an API server takes 262,144."),
    "a name that is a number": ("metadata.name", 5, 'metadata.name: 5 is no text; write "5", with the quotes.'),
    "a mode with a letter too few": (
        "spec.delivery.mode",
        "GatewayHeadr",
        "write one of Shadow, GatewayHeader, Header",
    ),
    "a preset in other capitals": ("spec.metrics.preset", "vLLM", "write one of EarlyStop, Custom."),
    "a strategy that is none": ("spec.rollout.strategy", "Foo", "is no rollout strategy; write one of Canary, ABTest."),
    "a route of another namespace": (
        "spec.delivery.gatewayHeader.routeRef.name",
        "other/qa",
        '"other/qa" does not match',
    ),
    "a line end in a candidate's name": ("spec.candidates.0.name", "a\r\nb: c", "does not match"),
    "a comma in a parameter's name": ("spec.parameters.0.name", "a,b", '"a,b" does not match'),
    "a letter of another script": ("spec.candidates.0.name", "\u0430bc", "does not match"),
    "somebody else's header as the prefix": ("spec.delivery.gatewayHeader.headerPrefix", "cookie: ", "does not match"),
    "a name without a letter": ("spec.targetRef.name", "", 'spec.targetRef.name: "" is too short; write 1 character'),
    "one cohort alone": (
        "spec.delivery",
        {"mode": "HeaderCohort", "headerCohort": {"routeRef": {"name": "qa"}, "header": "x-c", "cohorts": [COHORT]}},
        "write 2 items or more: One cohort for the baseline and for each candidate",
    ),
    "a margin in percent": ("spec.objective.exactMatch.margin", "2%", '"2%" is no decimal; write "0.02".'),
    "a percentage with a blank": ("spec.objective.exactMatch.margin", "12.5 %", 'write "0.125".'),
    "seconds as a duration": ("spec.rollout.lookSeconds", "2m", '"2m" is no number of seconds; write 120.'),
    "a value that no parameter has": ("spec.candidates.0.values.0.name", "windw", "there is no parameter windw"),
}
"""What is wrong with one object, as a path in a right policy and what stands there: with one sentence about each."""

TEXTS: dict[str, tuple[str, str]] = {
    "a key twice in YAML": ("kind: EarlyStopPolicy\nkind: Other\n", "line 2, column 1: the key 'kind' stands twice"),
    "a key twice below another": ("a: {b: {c: 1, d: 2, c: 3}}\n", "line 1, column 21: the key 'c' stands twice"),
    "a key twice in JSON": ('{"a": {"b": 1, "b": 2}}', "the key 'b' stands twice; write it once."),
    "a tab in YAML": ("kind:\n\t- x\n", "indent by spaces, and write such text in quotes"),
    "text": ("hello\n", 'document 1: "hello" is no object'),
    "a list": ("- a\n", 'document 1: ["a"] is no object'),
    "text beside an object": ("kind: A\n---\nhello\n", 'document 2: "hello" is no object'),
    "text in a list of objects": ("kind: List\nitems: [hello]\n", '"hello" is no object'),
}
"""Texts of files that no command takes."""

KUBECONFIGS: dict[str, tuple[str, str]] = {
    "nothing": ("", "is empty."),
    "a list": ("- a\n", 'holds ["a"] and nothing else.'),
    "no YAML": ("a: [", "is no YAML in UTF-8."),
    "no current context": ("contexts: [{name: a, context: {cluster: c}}]\n", "names no current context."),
    "a context that is not there": (
        "contexts: [{name: a, context: {}}]\ncurrent-context: b\n",
        "no context b; there are a.",
    ),
    "a cluster that is not there": (
        "contexts: [{name: a, context: {cluster: c}}]\ncurrent-context: a\n",
        "names the cluster c, which is not in it.",
    ),
    "a user that is not there": (
        "contexts: [{name: a, context: {cluster: c, user: u}}]\nclusters: [{name: c, cluster: {server: 'http://x'}}]\n"
        "current-context: a\n",
        "names the user u, which is not in it.",
    ),
    "a server that is no address": (
        "contexts: [{name: a, context: {cluster: c}}]\nclusters: [{name: c, cluster: {server: nowhere}}]\n"
        "current-context: a\n",
        'the server of the cluster c is "nowhere"; write an address such as https://example.com:6443',
    ),
}
"""Kubeconfigs that lead nowhere."""
