"""The attribute `with_raw_response` of a client. Its types are in `_raw_methods.pyi`, a generated file."""

from __future__ import annotations

from twelvelabs_async._raw_calls import RawResponseGroup


class RawResponses(RawResponseGroup):
    """The resources of a client, whose methods return raw responses."""
