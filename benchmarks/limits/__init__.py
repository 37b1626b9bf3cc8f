"""Rate limits: the same work under the same limits by this client, the official client and a plain retry loop.

The server is the emulator. Time is virtual unless `--real` is given. See `python -m benchmarks.limits --help`.
"""
