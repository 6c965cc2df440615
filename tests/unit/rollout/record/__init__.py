"""Tests of what a search tries next."""
