"""Ingestions that are killed, and large ingestions."""
