"""Executes calls: deadlines, retries, events, decoding of streams, and validation of arguments."""
