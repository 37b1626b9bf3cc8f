"""The command line: try everything without a key, bring files into an index, search it."""
