"""Decisions and steps that wait for people and for gates: what they wait for, until when, and what follows."""
