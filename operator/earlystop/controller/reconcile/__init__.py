"""One policy at a time: what is remembered of it, what is decided, stored and told."""
