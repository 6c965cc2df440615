"""Tokens that users' requests did not take, and what they are worth."""
