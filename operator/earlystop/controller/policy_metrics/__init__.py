"""What /metrics says of each policy: from the state that the operator holds, at the moment of a scrape."""
