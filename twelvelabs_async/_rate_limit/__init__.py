"""The rate limiter: reads headers, queues calls, and keeps its state in memory, in SQLite or in Redis."""
