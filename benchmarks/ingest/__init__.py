"""What an ingestion is worth when it is killed, and what it costs when it is large."""
