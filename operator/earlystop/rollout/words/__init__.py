"""What people are told of a rollout: messages, events and summaries."""
