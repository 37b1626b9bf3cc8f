"""Clients by others, called method by method against the emulator; `calls.toml` is the table of their methods."""
