"""What people are told of a rollout: messages, events, summaries, and how numbers become text."""
