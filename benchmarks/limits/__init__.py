"""How well quotas are used: the same work under the same limits by this client, the official one and a plain loop.

`python -m benchmarks.limits --help` tells how to run it. The server is the emulator; time is virtual unless asked for.
"""
