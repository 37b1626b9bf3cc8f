"""Ingestions whose process is killed, and large ingestions."""
