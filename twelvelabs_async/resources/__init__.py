"""The resources of the API, one class per group of endpoints."""
