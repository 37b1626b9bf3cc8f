"""Workers on many machines; the workers, their database and their rate-limit store are killed."""
