"""Where a parameter stands in a container of the target's Pods: it is read, and changed in a copy.

A value is a decimal, so it is neither a flag nor a word of a shell. It is put only where the target's owner has one
already and allows policies to change it, so that an author of policies gets no right over Pods.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from earlystop.api.conditions import Refusal
from earlystop.api.delivery import WorkloadSetting
from earlystop.api.values import DECIMAL_PATTERN, canonical_decimal
from earlystop.api.wire import SETTABLE_ANNOTATION
from earlystop.delivery.inputs import Manifest

Container = dict[str, Any]

SHELLS = frozenset(
    {"sh", "bash", "ash", "dash", "zsh", "ksh", "fish", "busybox", "cmd", "cmd.exe", "powershell", "pwsh"}
)
_DECIMAL = re.compile(DECIMAL_PATTERN)
_SCRIPT_FOLLOWS = re.compile(r"^(-[a-z]*c|/c|-command)$", re.IGNORECASE)
# Parts of a container that hold its words, in the order in which they are run.
WORDS = ("command", "args")


def settable_by_policies(target: Manifest) -> frozenset[str]:
    """What the target's owner lets policies set: `<container>/<variable>` and `<container>/<flag>`."""
    text = (target["metadata"].get("annotations") or {}).get(SETTABLE_ANNOTATION, "")
    return frozenset(entry.strip() for entry in text.split(",") if entry.strip())


def consent_refusal(target: Manifest, container: str, setting: WorkloadSetting) -> Refusal | None:
    """Why a policy may not set this, None when the target's owner lets it."""
    name, entry = target["metadata"]["name"], f"{container}/{setting.knob}"
    if entry in settable_by_policies(target):
        return None
    return Refusal(
        "SettingNotAllowed",
        f"Deployment {name} does not let policies set {setting.knob} of its container {container}. Whoever owns the "
        f'Deployment may write its annotation {SETTABLE_ANNOTATION}: "{entry}", with a comma between several.',
    )


def found_value(container: Container, setting: WorkloadSetting) -> str | Refusal | None:
    """The decimal that a container has for a parameter, in its shortest spelling; None for a variable that it does not
    have, whose value is then the program's own. Or why none can be told, or changed."""
    text = _variable(container, setting.knob) if setting.env is not None else _argument(container, setting.knob)
    if text is None or isinstance(text, Refusal):
        return text
    if not _DECIMAL.match(text):
        return Refusal(
            "SettingNotDecimal",
            f"{setting.knob} of container {container['name']} is no plain decimal. Write one there, as 40 or 0.5.",
        )
    return canonical_decimal(text)


def with_value(container: Container, setting: WorkloadSetting, value: str) -> Container:
    """The container with another value for a parameter. It must have passed `found_value`."""
    if setting.env is not None:
        entry = {"name": setting.knob, "value": value}
        variables = container.get("env") or []
        there = any(each.get("name") == setting.knob for each in variables)
        changed = [entry if each.get("name") == setting.knob else each for each in variables]
        return {**container, "env": changed if there else [*changed, entry]}
    words = {part: _replaced(container[part], setting.knob, value) for part in WORDS if container.get(part)}
    return {**container, **words}


def negative_refusal(container: Container, setting: WorkloadSetting, value: str) -> Refusal | None:
    """Why a program might take a value for a flag, None when none can: a negative one in a word of its own."""
    words = [word for part in WORDS for word in container.get(part) or []]
    if setting.argument is None or not value.startswith("-") or setting.argument not in words:
        return None
    return Refusal(
        "SettingUnclear",
        f"{setting.knob} {value} would be a word that begins with a hyphen. Write {setting.knob}=VALUE as one word in "
        f"container {container['name']} of the Deployment.",
    )


def _variable(container: Container, name: str) -> str | Refusal | None:
    found = [each for each in container.get("env") or [] if each.get("name") == name]
    where = f"Variable {name} of container {container['name']}"
    if len(found) > 1:
        return Refusal("SettingUnclear", f"{where} is written twice. Write it once.")
    if found and "valueFrom" in found[0]:
        return Refusal(
            "SettingElsewhere",
            f"{where} comes from another object (valueFrom), which a promotion would have to change. Write its value "
            "in the Deployment.",
        )
    if found:
        return str(found[0].get("value", ""))
    if container.get("envFrom"):
        return Refusal(
            "SettingElsewhere",
            f"{where} may come from another object (envFrom). Write its value in env of the Deployment.",
        )
    return None


def _argument(container: Container, flag: str) -> str | Refusal:
    words = [str(word) for part in WORDS for word in container.get(part) or []]
    where = f"container {container['name']}"
    if _runs_a_shell(container):
        return Refusal(
            "SettingInShell",
            f"The command of {where} is run by a shell, so {flag} is no word of its own. Write the program and its "
            "arguments as a list, or read the parameter from a variable (env).",
        )
    places = [index for index, word in enumerate(words) if word == flag or word.startswith(f"{flag}=")]
    if not places:
        return Refusal(
            "SettingNotFound",
            f"Neither args nor command of {where} has {flag} as a word of its own. Write it there with the baseline's "
            "value.",
        )
    if len(places) > 1:
        return Refusal("SettingUnclear", f"{flag} stands {len(places)} times in {where}. Write it once.")
    word = words[places[0]]
    if word != flag:
        return word.partition("=")[2]
    if places[0] + 1 == len(words) or (words[places[0]] in (container.get("command") or [])[-1:]):
        return Refusal("SettingNotFound", f"{flag} of {where} has no value. Write {flag}=VALUE.")
    return words[places[0] + 1]


def _runs_a_shell(container: Container) -> bool:
    """Whether the words run a script that one of them holds, as `sh -c` does, also behind a wrapper such as tini."""
    words = [str(word) for part in WORDS for word in container.get(part) or []]
    names = [word.replace("\\", "/").rpartition("/")[2].lower() for word in words]
    shell = next((index for index, name in enumerate(names) if name in SHELLS), None)
    return shell is not None and any(_SCRIPT_FOLLOWS.match(word) for word in words[shell + 1 :])


def _replaced(words: Sequence[str], flag: str, value: str) -> list[str]:
    changed = list(words)
    for index, word in enumerate(words):
        if word.startswith(f"{flag}="):
            changed[index] = f"{flag}={value}"
        elif word == flag:
            changed[index + 1] = value
    return changed
