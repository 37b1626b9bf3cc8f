"""Each operation once: what it needs, the call, and what the call must change.

The conformance tests run each scenario without faults, the tests of faults run it with a fault of its call, and the
test against a mock of the published description runs it up to the call.
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
