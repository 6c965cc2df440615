"""What there is to tell the world outside of a policy, and how it is put: pure."""
