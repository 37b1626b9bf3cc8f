"""What workers on many machines are worth when they, their database and their budget store are killed."""
