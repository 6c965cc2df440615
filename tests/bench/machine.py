"""What a benchmark ran on."""

from __future__ import annotations

import os
import platform


def machine() -> str:
    """The machine, its software, and how busy it was in the last 1, 5 and 15 minutes."""
    load = ", ".join(f"{each:.1f}" for each in os.getloadavg())
    return (
        f"machine: {os.cpu_count()} cores, {platform.machine()}, Linux {platform.release()}, "
        f"Python {platform.python_version()}; load {load}"
    )
