"""Executes calls: retry policy, deadlines, options, and argument validation."""
