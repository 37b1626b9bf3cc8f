"""The resources of a client, whose methods return raw responses. Their types are in `_raw_methods.pyi`."""

from __future__ import annotations

from twelvelabs_async._raw_calls import RawResponseGroup


class RawResponses(RawResponseGroup):
    """The resources of a client, whose methods return raw responses."""
