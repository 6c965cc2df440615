"""The state of a rollout as text in a status or a verdict, and back."""
