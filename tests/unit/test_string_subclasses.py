"""Strings and values of a caller whose methods fail."""

from __future__ import annotations

from typing import Any

import pytest
from typing_extensions import override

from twelvelabs_async import AsyncTwelveLabs, InvalidInputError
from twelvelabs_async._options import checked_headers
from twelvelabs_async.uploads._files import source_of


class FailingString(str):
    """Like a lazy translation that cannot be loaded."""

    __slots__ = ()

    @override
    def isascii(self) -> bool:
        raise ValueError("no characters")

    @override
    def __len__(self) -> int:
        raise ValueError("no length")


class FailingValue:
    def __deepcopy__(self, _: object) -> Any:
        raise ValueError("no copy")


def test_a_header_of_a_failing_string_class_is_a_plain_string() -> None:
    checked = checked_headers("default_headers", {"X-Team": FailingString("search")})
    assert type(checked["X-Team"]) is str


def test_a_media_type_of_a_failing_string_class_is_a_plain_string() -> None:
    source = source_of(("clip.mp4", b"x", FailingString("video/mp4")), "source")
    assert type(source.content_type) is str


def test_a_query_value_that_cannot_be_copied_is_rejected() -> None:
    with pytest.raises(InvalidInputError, match="extra_query must contain scalars"):
        AsyncTwelveLabs("key").with_options(extra_query={"a": FailingValue()})
