"""Runs while an image is built, never in it: what it needs of its base, what it leaves out, the list of its parts."""
