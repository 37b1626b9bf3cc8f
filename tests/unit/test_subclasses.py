"""Clients that a program has subclassed."""

from __future__ import annotations

import pytest

from twelvelabs_async import AsyncTwelveLabs, TwelveLabs


class TaggedAsyncClient(AsyncTwelveLabs):
    tag: str = ""


class TaggedClient(TwelveLabs):
    tag: str = ""


@pytest.mark.parametrize("kind", [TaggedAsyncClient, TaggedClient])
def test_with_options_keeps_the_class_and_the_attributes_of_a_subclass(
    kind: type[TaggedAsyncClient | TaggedClient],
) -> None:
    client = kind("key")
    client.tag = "films"
    view = client.with_options(timeout=5)
    assert type(view) is kind
    assert view.tag == "films"
