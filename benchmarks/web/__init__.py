"""One web backend on two clients, with 200 users and concurrent uploads: errors, latency and lag of the event loop."""
