"""Every reason that a condition or an event may carry, a table for each part of the API."""
