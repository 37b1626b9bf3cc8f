"""The command `completion`."""

from __future__ import annotations

from typing import Literal

from twelvelabs_async._cli.exit_codes import ExitCode
from twelvelabs_async._cli.help import print_safely


def completion(shell: Literal["bash", "zsh", "fish"], /) -> int:
    """Print the completion script of a shell.

    Examples:
      twelvelabs-async completion bash > ~/.local/share/bash-completion/completions/twelvelabs-async
      twelvelabs-async completion zsh > "${fpath[1]}/_twelvelabs-async"
      twelvelabs-async completion fish > ~/.config/fish/completions/twelvelabs-async.fish

    Then start a new shell. See https://cyclopts.readthedocs.io/en/latest/shell_completion.html

    Args:
        shell: The shell.
    """
    from twelvelabs_async._cli.main import app

    print_safely(app.generate_completion(shell=shell))
    return ExitCode.OK
