"""How much answers are taken to scatter before looks have shown it: what a plan supposes, too."""

from __future__ import annotations

UNKNOWN = 10.0
"""The factor while it is a guess: that of sessions of 10 equal answers, or of 28 with a likeness of a third."""

UNLIKELY = 4.0
"""The same where the split so far is one of single requests, since sessions without pauses would have shown in it, and
for pairs: what two answers to one request differ by has little in common with the next request's."""
