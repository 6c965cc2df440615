"""Whoever must not approve does not under a name that people cannot tell from theirs: the API server refuses it, as the
operator would not count it, and refuses nobody else."""

from __future__ import annotations

import json
from functools import partial
from unicodedata import normalize

import pytest

from earlystop.api.unseen import LETTERS
from earlystop.api.visible import printable
from earlystop.controller.memory.annotations import LONGEST_NAME
from tests.cluster.approvals.scene import WAIT_SECONDS, Scene
from tests.cluster.processes import wait_until
from tests.unit.api.names import COLLEAGUES, DISGUISES, OTHERS

REFUSED = "wants somebody else to approve it"
SENT = range(0x80, 0x110000)
"""Code points beside those of ASCII that a request's header can carry."""


@pytest.fixture
def everybody(scene: Scene) -> Scene:
    """Everybody who is known may write and approve, so that nothing but the rule on authors refuses them."""
    subject = {"kind": "Group", "name": "system:authenticated", "apiGroup": "rbac.authorization.k8s.io"}
    for role in (f"write-{scene.namespace}", "earlystop-approve"):
        (found,) = (
            each
            for each in scene.access.get("rolebindings", f"--namespace={scene.namespace}")["items"]
            if each["roleRef"]["name"] == role
        )
        metadata = {"name": f"{role}-of-everybody", "namespace": scene.namespace}
        scene.access.apply({**found, "metadata": metadata, "subjects": [subject]})
    wait_until(lambda: not answer(scene, "zoe"), WAIT_SECONDS, "everybody's right")
    return scene


def answer(scene: Scene, name: str, **spec: str) -> str:
    """What the API server says to an approval by this name, "" where it takes it."""
    return scene.refusal(name, "create", scene.approval(by=name, **spec))


def every_unseen_letter() -> str:
    """The first and the last letter of every range of them that a request can carry."""
    ends = {int(end, 16) for each in LETTERS.split() for end in each.split("-")}
    return "".join(chr(each) for each in sorted(ends) if each in SENT and each < 0x10FFFE)


BESIDE = "\u00ac\u0370\u048a\u1161\u2010\u2070\u2801\u3163\U000effff"
"""Neighbours of such letters that are seen, and one that is nothing yet."""


def asked_by(scene: Scene, name: str) -> None:
    """The decision waits since somebody of this name asked for it, as the operator would write it."""
    where = f"--namespace={scene.namespace}"
    found = scene.access.get("esp/qa", where)
    found["status"]["awaiting"]["requestedBy"] = f"user {printable(name, LONGEST_NAME)}"
    scene.access.kubectl("replace", "--subresource=status", "--filename=-", input=json.dumps(found))


def test_the_author_is_refused_under_every_name_that_looks_like_theirs_and_nobody_else_is(everybody: Scene) -> None:
    names = {**DISGUISES, "every letter that nobody sees": f"a{every_unseen_letter()}lice"}
    assert {what: said for what, name in names.items() if REFUSED not in (said := answer(everybody, name))} == {}
    others = {**OTHERS, **{f"U+{ord(each):X}": f"alice{each}" for each in BESIDE}}
    assert {what: said for what, name in others.items() if (said := answer(everybody, name))} == {}
    assert answer(everybody, DISGUISES["a zero width space"], answer="Reject") == "", "an author may reject"


def is_refused(scene: Scene, name: str) -> bool:
    return REFUSED in answer(scene, name)


ASKERS = (
    "Ben\u00a0Roe",
    "\u200bben",
    "ben\u202e",
    "\u0431\u0435\u043d",
    "\u200b\u2060",
    "ben.(x|y)+?*[a]{2}^$\\Qx\\E\\E",
)


def test_whoever_asked_is_refused_whatever_letters_the_name_has_and_others_are_not(everybody: Scene) -> None:
    for name in ASKERS:
        asked_by(everybody, name)
        wait_until(partial(is_refused, everybody, name), WAIT_SECONDS, f"{name!r} to be refused")
        assert answer(everybody, "zoe") == "", name
        assert answer(everybody, f"{name}x") == "", name


@pytest.mark.parametrize("pair", COLLEAGUES[:5], ids=ascii)
def test_who_asked_is_refused_and_a_colleague_of_nearly_the_same_name_is_not(
    everybody: Scene, pair: tuple[str, str]
) -> None:
    asker, colleague = (normalize("NFD", name) for name in pair)
    asked_by(everybody, asker)
    wait_until(partial(is_refused, everybody, asker), WAIT_SECONDS, f"{asker!r} to be refused")
    assert answer(everybody, colleague) == ""


def test_names_as_long_as_an_approval_may_have_are_compared_within_what_a_rule_may_cost(everybody: Scene) -> None:
    asked_by(everybody, "?" * LONGEST_NAME)
    for name in (f"system:serviceaccount:{'n' * 63}:{'s' * 167}", "\u674e" * 84):
        assert answer(everybody, name) == ""
    assert "may not be more than 253 bytes" in answer(everybody, "z" * (LONGEST_NAME + 1))
