"""From a moment of the grid to counts that can be used: connections, shared queries, and the look itself."""
