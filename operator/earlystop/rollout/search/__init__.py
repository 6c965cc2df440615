"""Which setting to try next: pure proposals. What is promoted is decided by the evidence of a trial alone."""
