"""Templates of a preset that no release has: all that an author of one writes besides its row."""

from __future__ import annotations

from tests.unit.controller.counts.template_sources import TEMPLATES

__all__ = ["TEMPLATES"]
