"""Workers on many machines while they, their database and their rate-limit store are killed."""
