"""The operator's own requests, which prove a split or find that it cannot be proven."""
