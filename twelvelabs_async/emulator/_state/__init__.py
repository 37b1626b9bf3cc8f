"""Objects of the emulated platform, their status over time, and their persistence."""
