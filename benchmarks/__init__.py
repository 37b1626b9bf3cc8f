"""Compares this client with the official one and bare aiohttp: the same work in the same run, client by client.

`python -m benchmarks --help` lists the options; README.md describes the measurements.
"""
