"""Calls while the process cannot open more files."""

from __future__ import annotations

import errno
import os
import sys

import pytest
from support import KEY

from twelvelabs_async import APIConnectionError, AsyncTwelveLabs


class NoDescriptors:
    """Finds no module, like an import without a free file descriptor."""

    @staticmethod
    def find_spec(name: str, _path: object, _target: object = None) -> None:
        if name == "tenacity":
            raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))


async def test_a_failure_without_a_free_descriptor_is_an_error_of_this_package(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first retry of a program loads a module."""
    for name in [name for name in sys.modules if name.partition(".")[0] == "tenacity"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(sys, "meta_path", [NoDescriptors, *sys.meta_path])
    async with AsyncTwelveLabs(KEY, base_url="http://127.0.0.1:1/v1.3") as client:
        with pytest.raises(APIConnectionError, match="cannot connect"):
            await client.request("GET", "/x")
