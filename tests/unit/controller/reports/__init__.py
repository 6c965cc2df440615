"""Tests of reports that the operator serves."""
