"""The command line: a demo that needs no key, ingestion, search, and other commands."""
