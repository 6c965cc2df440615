"""The report of a verdict: one page that recomputes itself in a browser."""
