from __future__ import annotations

from pathlib import Path

import pytest

import twelvelabs_async
from twelvelabs_async._cli.arguments import open_client
from twelvelabs_async._cli.console import Screen

COMMANDS = Path(twelvelabs_async.__file__).parent / "_cli"


async def test_a_command_prints_the_proxy_it_uses(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TWELVELABS_API_KEY", "tlk_x")
    monkeypatch.setenv("HTTPS_PROXY", "http://user:secret@proxy.example:3128")
    async with open_client("https://api.example/v1.3", Screen(json=True)):
        pass
    output, errors = capsys.readouterr()
    assert (output, errors) == ("", "using the proxy proxy.example:3128\n")


async def test_a_command_without_a_proxy_prints_nothing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TWELVELABS_API_KEY", "tlk_x")
    async with open_client("http://127.0.0.1:9/v1.3", Screen()):
        pass
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    "name", ["analyze", "api", "cleanup", "dry_run", "embed", "search", "ingest_run", "limits", "workers"]
)
def test_each_command_uses_open_client_to_create_its_client(name: str) -> None:
    source = (COMMANDS / f"{name}.py").read_text("utf-8")
    assert "open_client(base_url, screen" in source
    assert "AsyncTwelveLabs(" not in source
