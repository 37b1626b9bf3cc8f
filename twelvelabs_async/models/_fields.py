"""Fields of models whose names differ from those in JSON or in other clients."""

from __future__ import annotations

from collections.abc import Mapping

WIRE_ID: dict[str, str] = {"wire": "_id"}
"""attrs metadata of a field that is called `id` here and `_id` in the JSON of the API."""

SDK_FIELD_NAMES: dict[str, str] = {
    "base_64_string": "base64_string",
    "float_": "float",
    "in_": "in",
    "prompt_v_2": "prompt_v2",
    "schema_": "schema",
}
"""Fields whose name in Python, which is the official SDK's, differs from the name in JSON. Dicts take both names."""

OTHER_ATTRIBUTES: Mapping[str, str] = {
    "confidence": "rank",
    "metadata": "system_metadata",
    "name": "index_name",
    "score": "rank",
    "vector": "embedding",
}
"""Attributes of models in older versions of the official client and in other clients, and what replaces them."""

PYDANTIC_METHODS: Mapping[str, str] = {
    "dict": "to_dict()",
    "json": "to_json()",
    "model_copy": "attrs.evolve(...)",
    "model_dump": "to_dict()",
    "model_dump_json": "to_json()",
}
"""Methods of the models of the official client, and what replaces them."""
