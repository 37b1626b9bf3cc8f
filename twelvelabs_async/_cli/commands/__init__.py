"""The commands and their options.

Importing these modules is cheap, so that `--help` is fast: what a command needs is imported when it runs.
"""
