"""A scenario for each operation: its prerequisites, the call, and the objects that the call must change.

The conformance tests run each scenario without faults, the fault tests with a fault of its call, and the tests against
a mock of the published description up to the call.
"""

from scenarios import analyses, assets, connections, embeddings, entities, indexes, knowledge
from scenarios.setup import SCENARIOS, Harness, Scenario

__all__ = [
    "SCENARIOS",
    "Harness",
    "Scenario",
    "analyses",
    "assets",
    "connections",
    "embeddings",
    "entities",
    "indexes",
    "knowledge",
]
