"""Every operation once: what has to be there, the call, and what it must have done.

The conformance tests play each scene as it is, the tests of faults play it with something going wrong in its one call,
and the test against a mock of the published description plays it up to that call.
"""

from scenes import analyses, assets, connections, embeddings, entities, indexes, knowledge
from scenes.stage import SCENARIOS, Harness, Scenario

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
