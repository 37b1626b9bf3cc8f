"""HTTP: request bodies, the transport over aiohttp, responses, and stream decoders."""
