"""A mixed load on one client under faults, rate limits and cancellations, followed by a check for leaks."""
