"""What the status of a policy holds: for people, and packed for the operator to go on from."""
