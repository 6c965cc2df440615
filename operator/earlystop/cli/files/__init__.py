"""Files that people write: read within bounds, checked as an API server would, edited where they stand."""
