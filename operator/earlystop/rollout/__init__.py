"""What to do next: pure functions of the policy, the state so far, and what the controller observes."""
