"""Files of any size to the platform, in constant memory and without a copy on disk."""
