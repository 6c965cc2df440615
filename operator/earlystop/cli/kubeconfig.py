"""Whether the kubeconfig leads anywhere, in words for a person; the client library's are for its developers."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

from earlystop.cli.failure import CommandFailure
from earlystop.cli.files.words import nearest, shown
from earlystop.system_trust import without_system_trust

IN_CLUSTER = "KUBERNETES_SERVICE_HOST"
SEPARATOR = ";" if os.name == "nt" else ":"
WHAT_TO_DO = "Set KUBECONFIG to a file that kubectl can use"
SAFE_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""libyaml's where it is there: Python's own takes 1.5 ms for each cluster."""
PARTS = ("contexts", "clusters", "users")
FILES = {"clusters": ("certificate-authority",), "users": ("client-certificate", "client-key", "tokenFile")}
"""Fields that name files, which may be relative to the file of the kubeconfig."""


def usable_kubeconfig(context: str | None) -> dict[str, Any] | None:
    """The kubeconfig, merged of all its files, with absolute names of files; None where a Pod's own service account
    comes first, which needs none. Raises CommandFailure where it leads to no cluster, by this context or by the current
    one."""
    if context is None and os.environ.get(IN_CLUSTER):
        return None
    named, found = _named_files()
    where = ", ".join(map(str, found or named))
    if not found:
        raise CommandFailure(f"There is no kubeconfig at {where}. {WHAT_TO_DO}, or log in to a cluster.")
    contexts, clusters, users = (dict(_named(found, part)) for part in PARTS)
    chosen = context or _current(found)
    if chosen is None:
        raise CommandFailure(
            f"The kubeconfig {where} names no current context. Choose one with kubectl config use-context or "
            "--context, or set KUBECONFIG to another file."
        )
    if chosen not in contexts:
        hint = nearest(str(chosen), list(contexts)) if contexts else "; it has none"
        raise CommandFailure(f"The kubeconfig {where} has no context {chosen}{hint}. See KUBECONFIG and --context.")
    for part, known in (("cluster", clusters), ("user", users)):
        name = contexts[chosen].get(part)
        if name not in known and (name or part == "cluster"):
            raise CommandFailure(
                f"The context {chosen} of the kubeconfig {where} names the {part} {name}, which is not in it. "
                f"{WHAT_TO_DO}."
            )
    _ensure_address(where, contexts[chosen]["cluster"], clusters[contexts[chosen]["cluster"]])
    listed = {
        part: [{"name": name, part.removesuffix("s"): inner} for name, inner in by_name.items()]
        for part, by_name in zip(PARTS, (contexts, clusters, users), strict=True)
    }
    return {"apiVersion": "v1", "kind": "Config", "current-context": chosen, **listed}


def namespace_in_kubeconfig(context: str | None) -> str | None:
    """The namespace of a context, or of the current one; None where it names none, or where there is none."""
    _, found = _named_files()
    contexts, chosen = dict(_named(found, "contexts")), context or _current(found)
    return contexts.get(str(chosen), {}).get("namespace") or None


def _named_files() -> tuple[list[Path], dict[Path, dict[str, Any]]]:
    """The files that KUBECONFIG names, and the content of those that are there. Raises CommandFailure."""
    with without_system_trust():
        from kubernetes.aio.config import kube_config  # here: a command that asks no cluster does not wait for it

    named = [Path(part).expanduser() for part in kube_config.KUBE_CONFIG_DEFAULT_LOCATION.split(SEPARATOR) if part]
    return named, {path: _content(path) for path in named if path.exists()}


def _current(files: dict[Path, dict[str, Any]]) -> str | None:
    return next((str(each["current-context"]) for each in files.values() if each.get("current-context")), None)


def _content(path: Path) -> dict[str, Any]:
    """A file of the kubeconfig, which is read once while it stays the same. Raises CommandFailure for one that is
    none."""
    try:
        found = path.stat()
        # What is no file, as the output of another command, can be read once only, and has a time of its last read.
        changes = (found.st_mtime_ns, found.st_size) if stat.S_ISREG(found.st_mode) else ()
        content = _parsed(path, (found.st_dev, found.st_ino, *changes))
    except OSError as error:
        raise CommandFailure(f"The kubeconfig {path} cannot be read: {error.strerror}. {WHAT_TO_DO}.") from None
    except (ValueError, yaml.YAMLError):
        raise CommandFailure(f"The kubeconfig {path} is no YAML in UTF-8. {WHAT_TO_DO}.") from None
    if not isinstance(content, dict):
        what = "is empty" if content is None else f"holds {shown(content)} and nothing else"
        raise CommandFailure(f"The kubeconfig {path} {what}. {WHAT_TO_DO}.")
    return content


@lru_cache(maxsize=32)
def _parsed(path: Path, _: tuple[int, ...]) -> Any:
    return yaml.load(path.read_text(encoding="utf-8"), SAFE_LOADER)  # noqa: S506 - one of two safe ones


def _named(files: dict[Path, dict[str, Any]], part: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Contexts, clusters or users of all files by name. Of one that several files have, the first file's is kept."""
    for path, content in reversed(files.items()):
        entries = content.get(part)
        for each in entries if isinstance(entries, list) else ():
            inner = (each.get(part.removesuffix("s")) or {}) if isinstance(each, dict) else None
            if isinstance(inner, dict) and isinstance(each.get("name"), str):
                yield each["name"], {**inner, **_absolute(path.absolute().parent, part, inner)}


def _absolute(folder: Path, part: str, inner: dict[str, Any]) -> dict[str, str]:
    """The names of files in a cluster or user, from the folder of the file that says them."""
    named = {field: inner.get(field) for field in FILES.get(part, ())}
    return {field: str(folder / value) for field, value in named.items() if isinstance(value, str) and value}


def _ensure_address(where: str, name: str, cluster: dict[str, Any]) -> None:
    server = cluster.get("server")
    try:
        parts = urlsplit(server if isinstance(server, str) else "")
        is_address = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_address = False
    if not is_address:
        raise CommandFailure(
            f"The kubeconfig {where} says that the server of the cluster {name} is {shown(server)}; write an address "
            "such as https://example.com:6443, or set KUBECONFIG to another file."
        )
