"""P17, P18, P20: the targets of the fuzzer, with bytes that are made up here."""

from __future__ import annotations

import pytest
from fuzz.targets import TARGETS
from hypothesis import given, settings
from hypothesis import strategies as st


@pytest.mark.parametrize("name", TARGETS)
@settings(max_examples=300)
@given(data=st.binary(max_size=300))
def test_p18_arbitrary_bytes_raise_no_unexpected_error(name: str, data: bytes) -> None:
    TARGETS[name](data)
