"""What the operator does not use of its libraries is not loaded with it, and still there for whoever asks for it."""

from __future__ import annotations

import subprocess
import sys

HEAVY = ("kubernetes.config.kube_config", "oauthlib", "requests_oauthlib", "websocket")
"""What `kubernetes` loads with itself: its synchronous client's parts, and what they load in turn."""


def run(program: str) -> str:
    """What a new interpreter prints. Raises CalledProcessError when it fails."""
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    return done.stdout.strip()


def test_the_operator_loads_nothing_of_the_synchronous_client_s_parts() -> None:
    program = f"import sys, earlystop.controller.main; print([each for each in {HEAVY} if each in sys.modules])"
    assert run(program) == "[]"


def test_a_part_that_is_asked_for_is_loaded_then() -> None:
    program = (
        "import sys, earlystop.controller.main, kubernetes;"
        "kind = type(kubernetes.watch.Watch).__name__;"
        "print(kind, kubernetes.config.load_kube_config.__name__, 'oauthlib' in sys.modules)"
    )
    assert run(program) == "type load_kube_config True"


def test_modules_of_other_names_are_found_as_before() -> None:
    program = (
        "from earlystop.controller.lazy_modules import load_at_first_use;"
        "load_at_first_use(['no.such.module', 'colorsys']);"
        "import sys, colorsys, tabnanny;"
        "print(type(colorsys).__name__, type(tabnanny).__name__, colorsys.rgb_to_hsv(0, 0, 0))"
    )
    assert run(program) == "_LazyModule module (0.0, 0.0, 0)"
