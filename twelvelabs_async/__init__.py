"""asyncio-first client for the Twelve Labs video understanding API."""
