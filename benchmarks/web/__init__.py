"""One web backend on two clients, under two hundred users with uploads running: errors, latency, and the loop's lag."""
