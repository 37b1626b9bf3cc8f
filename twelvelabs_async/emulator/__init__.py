"""A server that behaves like the API, for tests without a network, a key or a bill.

```python
async with Emulator(timing=Timing(asset=0, indexing=0)) as emulator:
    async with AsyncTwelveLabs(api_key=emulator.api_key, base_url=emulator.base_url) as client:
        ...
```

`ThreadedEmulator` is the same for programs without an event loop; `virtual.run` lets hours pass in seconds.

It keeps in memory all that the API keeps, lets statuses advance with the clock, counts requests as the platform does,
and fails on demand. It uses nothing of the client, so it can serve any other as well:
`python -m twelvelabs_async.emulator` starts it on its own. `pymediainfo` lets it look into the files it is given;
without that library their durations and sizes are made up.

The modules stand on each other in this order: `errors`, `clock`, `seeded`, `timeline`, `plans` and `media` know nothing
of each other's users; `state` keeps the objects; `world` knows what is true of them now; `handlers` work on the world;
`front` decides what reaches a handler, by `faults` and `limits`; `control` is what can be asked of the emulator itself;
`app` and `server` put it on a socket. Beside them, `postman` delivers webhooks.
"""

from twelvelabs_async.emulator import samples
from twelvelabs_async.emulator.clock import Clock, SystemClock
from twelvelabs_async.emulator.connectors import RemoteFile
from twelvelabs_async.emulator.faults import Fault, Faults
from twelvelabs_async.emulator.journal import Journal, Received
from twelvelabs_async.emulator.plans import Plan, Window
from twelvelabs_async.emulator.server import Emulator
from twelvelabs_async.emulator.threaded import ThreadedEmulator
from twelvelabs_async.emulator.timeline import Timing
from twelvelabs_async.emulator.webhooks import Delivery, Endpoint, Webhooks

__all__ = [
    "Clock",
    "Delivery",
    "Emulator",
    "Endpoint",
    "Fault",
    "Faults",
    "Journal",
    "Plan",
    "Received",
    "RemoteFile",
    "SystemClock",
    "ThreadedEmulator",
    "Timing",
    "Webhooks",
    "Window",
    "samples",
]
