"""HTTP over aiohttp: connections and proxies, request bodies, the transport, and errors of responses."""
