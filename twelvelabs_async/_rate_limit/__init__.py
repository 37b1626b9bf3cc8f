"""Decisions without I/O: headers of rate limits, permits, windows."""
