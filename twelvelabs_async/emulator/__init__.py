"""An emulator of the Twelve Labs API, for tests without network, API key or costs.

```python
async with Emulator(timing=Timing(asset=0, indexing=0)) as emulator:
    async with AsyncTwelveLabs(api_key=emulator.api_key, base_url=emulator.base_url) as client:
        ...
```

- `Emulator` runs in an event loop, `ThreadedEmulator` in a thread of its own.
- `python -m twelvelabs_async.emulator` runs an emulator as a process.
- `virtual_time.run` runs emulator and client in virtual time: hours of waiting take seconds.

The emulator keeps all objects in memory, advances statuses with its clock, applies rate limits, and injects faults on
request. It imports nothing of the client, so it serves other clients as well. Durations and sizes are read from the
uploaded files if `pymediainfo` is installed, and generated otherwise.

Layers, from the bottom: `_media`, `_state` and `_generation` hold the objects and what is computed from them; `_api`
has the handlers, one module for each group of operations; `_admin` is the API that controls the emulator; `_app`
composes middlewares and routes; `server` opens the sockets.
"""

from twelvelabs_async.emulator import samples
from twelvelabs_async.emulator.clock import AdjustableClock, Clock, SystemClock
from twelvelabs_async.emulator.connected_accounts import Connection, ConnectionStatus, RemoteFile
from twelvelabs_async.emulator.faults import (
    Damage,
    ErrorFormat,
    Fault,
    FaultOptions,
    FaultPhase,
    Faults,
    PlanLimit,
    StallPoint,
    StreamFault,
)
from twelvelabs_async.emulator.plans import BodyStyle, Dimension, HeaderStyle, Plan, PlanName, Window, Windows
from twelvelabs_async.emulator.request_log import RecordedRequest, RequestLog
from twelvelabs_async.emulator.server import Emulator
from twelvelabs_async.emulator.threaded import ThreadedEmulator
from twelvelabs_async.emulator.timing import Timing
from twelvelabs_async.emulator.webhooks import Delivery, Endpoint, WebhookEvent, Webhooks

__all__ = [
    "AdjustableClock",
    "BodyStyle",
    "Clock",
    "Connection",
    "ConnectionStatus",
    "Damage",
    "Delivery",
    "Dimension",
    "Emulator",
    "Endpoint",
    "ErrorFormat",
    "Fault",
    "FaultOptions",
    "FaultPhase",
    "Faults",
    "HeaderStyle",
    "Plan",
    "PlanLimit",
    "PlanName",
    "RecordedRequest",
    "RemoteFile",
    "RequestLog",
    "StallPoint",
    "StreamFault",
    "SystemClock",
    "ThreadedEmulator",
    "Timing",
    "WebhookEvent",
    "Webhooks",
    "Window",
    "Windows",
    "samples",
]
