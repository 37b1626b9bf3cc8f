"""Runs programs that are killed at the end of the test."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from os import environ
from pathlib import Path

PIPE = asyncio.subprocess.PIPE


@asynccontextmanager
async def start_process(
    *command: str | Path,
    cwd: Path | None = None,
    variables: Mapping[str, str] | None = None,
    stdout: int | None = None,
    stderr: int | None = None,
) -> AsyncGenerator[asyncio.subprocess.Process]:
    """Start a program; kill it at the end of the block if it still runs, and close its pipes.

    Args:
        command: The program and its arguments.
        cwd: Its working directory.
        variables: Environment variables to add to those of this process.
        stdout: As of `asyncio.create_subprocess_exec`.
        stderr: As of `asyncio.create_subprocess_exec`.
    """
    process = await asyncio.create_subprocess_exec(
        *command, cwd=cwd, env={**environ, **(variables or {})}, stdout=stdout, stderr=stderr
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def run_program(*command: str | Path, cwd: Path, variables: Mapping[str, str] | None = None) -> str:
    """Run a program and return what it prints to stdout and stderr; an exit code other than 0 fails the test."""
    stderr = asyncio.subprocess.STDOUT
    async with start_process(*command, cwd=cwd, variables=variables, stdout=PIPE, stderr=stderr) as process:
        output, _ = await process.communicate()
    assert process.returncode == 0, output.decode()
    return output.decode()
