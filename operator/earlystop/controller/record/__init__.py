"""The record as a whole: its head is published outside of policies, and retention removes what it may."""
