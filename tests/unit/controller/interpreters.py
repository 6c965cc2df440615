"""Programs in interpreters of their own, which have loaded nothing yet."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping


def run(program: str, environment: Mapping[str, str] | None = None) -> str:
    """What a new interpreter prints, in this environment or in that of the tests. Raises CalledProcessError when it
    fails."""
    variables = os.environ if environment is None else environment
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True, env=variables)
    return done.stdout.strip()
