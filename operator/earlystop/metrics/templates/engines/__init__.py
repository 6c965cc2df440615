"""One file for each engine or gateway whose own counters a preset reads: its TEMPLATES, by field of `Tally`."""
