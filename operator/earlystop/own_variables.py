"""Variables that a process sets for its own libraries, and which no process that it starts finds there."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

_OWN: dict[str, str] = {}


def set_own_variable(name: str, value: str) -> None:
    """Set a variable of the environment for this process alone, unless whoever started it has set it: that is for
    everybody."""
    if name not in os.environ:
        os.environ[name] = _OWN[name] = value


@contextmanager
def hidden_from_children() -> Iterator[None]:
    """Within, the environment is as this process was started with it: a kubeconfig's plugin is a program of others,
    which may be written in Python as well."""
    hidden = {name: value for name, value in _OWN.items() if os.environ.get(name) == value}
    for name in hidden:
        del os.environ[name]
    try:
        yield
    finally:
        os.environ.update(hidden)
