"""Side by side with the official client and with bare aiohttp: the same work, in the same run, in turns.

`python -m benchmarks --help` tells how to run it, README.md what is measured and how to read it.
"""
