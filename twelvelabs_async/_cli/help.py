"""Help pages in plain text. Cyclopts prints its own with rich, whose import takes longer than the page."""

from __future__ import annotations

import inspect
import re
import shutil
import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from cyclopts import App, Argument
from typing_extensions import override

from twelvelabs_async._cli.exit_codes import EXIT_CODES
from twelvelabs_async._cli.streams import standard_output

ENVIRONMENT_VARIABLES: Final[Mapping[str, str]] = {
    "TWELVELABS_API_KEY": "The API key. The demo, the emulator and status need none.",
    "TWELVELABS_BASE_URL": "Base URL of the API, without --base-url.",
}

MAX_HELP_WIDTH: Final = 100
"""Width of a page in characters, if the terminal is not narrower."""
MAX_LABEL_WIDTH: Final = 26
"""Width of the names of options in characters; after a longer name, the description starts on the next line."""
_SHELL_WORD: Final = re.compile("""(?:[^\\s"']|"[^"]*"|'[^']*')+""")

NARROW_WIDTH: Final = 60
"""Width of a page in which all descriptions start on the next line."""


class CommandLine(App):
    """The command line: prints help and version without importing the commands."""

    summaries: Mapping[str, str] = {}
    """What each command does, in one sentence. A command is imported when it is used."""

    @override
    def help_print(self, tokens: str | Iterable[str] | None = None, *, console: Any = None) -> None:
        """Print the help page of a command, or of all commands."""
        names, apps, _ = self.parse_commands(tokens)
        width = min(MAX_HELP_WIDTH, shutil.get_terminal_size().columns)
        app, summaries = apps[-1], self.summaries
        if names:
            summaries = {name: summary(app[name].help) for name in app if not name.startswith("-")}
        print_safely(help_page([self.name[0], *names], app, summaries, width))

    @override
    def version_print(self, console: Any = None) -> None:
        """Print the version."""
        print_safely(str(self.version))


def print_safely(text: str) -> None:
    """Print text; do nothing if the reader of standard output has closed it, as `head` does."""
    stream = standard_output()
    stream.write(f"{text}\n")
    stream.flush()


def help_page(command: Sequence[str], app: App, summaries: Mapping[str, str], width: int) -> str:
    """Return the help page of a command.

    Args:
        command: The names that select the command.
        app: The command.
        summaries: Its subcommands, and what each of them does.
        width: Maximum length of its lines, if each word fits.
    """
    arguments = list[Argument]()
    if app.default_command is not None:
        arguments += app.assemble_argument_collection(parse_docstring=True)
    positional = [argument for argument in arguments if argument.show and argument.index is not None]
    options = [argument for argument in arguments if argument.show and argument.index is None]
    usage = [
        *command,
        *(["COMMAND"] if summaries else []),
        *map(_placeholder, positional),
        *(_option_label(option) for option in options if option.required),
        *(["[OPTIONS]"] if any(not option.required for option in options) else []),
    ]
    sections = {
        "Commands": dict(summaries),
        "Arguments": {_placeholder(argument): _description(argument) for argument in positional},
        "Options": {_option_label(option): _description(option) for option in options},
        "Environment variables": {} if len(command) > 1 else ENVIRONMENT_VARIABLES,
        "Exit codes": {} if len(command) > 1 else {f"{code:3}": text for code, text in EXIT_CODES.items()},
    }
    blocks = [
        textwrap.fill(f"Usage: {' '.join(usage)}", width, subsequent_indent=" " * 4, break_on_hyphens=False),
        *_paragraphs(inspect.cleandoc(app.help).partition("\n\nArgs:\n")[0], width),
        *(f"{title}:\n{_table(rows, width)}" for title, rows in sections.items() if rows),
        *([] if len(command) == 1 else [f"Exit codes: {command[0]} --help"]),
    ]
    return "\n\n".join(blocks)


def summary(text: str) -> str:
    """Return the first paragraph of a docstring as one line."""
    return " ".join(inspect.cleandoc(text).partition("\n\n")[0].split())


def _paragraphs(text: str, width: int) -> Iterator[str]:
    """Wrap the paragraphs of a text; indented lines are commands, and are wrapped as a shell reads them."""
    for paragraph in text.strip("\n").split("\n\n"):
        lines = paragraph.splitlines()
        if any(line.startswith("  ") for line in lines):
            yield "\n".join(_wrap_command(line, width) if line.startswith("  ") else line for line in lines)
        else:
            yield textwrap.fill(" ".join(paragraph.split()), width, break_on_hyphens=False, break_long_words=False)


def _wrap_command(line: str, width: int) -> str:
    """Wrap a command between its arguments; all lines but the last end with a backslash."""
    first, *words = _SHELL_WORD.findall(line)
    lines = [f"  {first}"]
    for word in words:
        if len(lines[-1]) + len(word) + 3 > width:
            lines[-1] += " \\"
            lines.append(f"      {word}")
        else:
            lines[-1] += f" {word}"
    return "\n".join(lines)


def _placeholder(argument: Argument) -> str:
    name = argument.name.lstrip("-").upper()
    takes_several = argument.field_info.kind is inspect.Parameter.VAR_POSITIONAL or argument.token_count()[1]
    repeated = "..." if takes_several else ""
    return f"{name}{repeated}" if argument.required else f"[{name}{repeated}]"


def _option_label(option: Argument) -> str:
    names = ", ".join(option.names)
    takes_value = option.token_count()[0] > 0
    return f"{names} {option.name.lstrip('-').replace('-', '_').upper()}" if takes_value else names


def _description(argument: Argument) -> str:
    """Return the help of an argument with its choices and its default."""
    choices = argument.get_choices()
    default = argument.field_info.default
    shows_default = argument.show_default and not argument.required and default is not None
    notes = (
        f"One of: {', '.join(choices)}." if choices else "",
        f"Default: {default}." if shows_default else "",
    )
    return " ".join(filter(None, (argument.parameter.help, *notes)))


def _table(rows: Mapping[str, str], width: int) -> str:
    """Return names and descriptions in two columns; on a narrow terminal, each description below its name."""
    narrow = width < NARROW_WIDTH
    label_width = min(MAX_LABEL_WIDTH, max(map(len, rows)))
    indent = " " * (6 if narrow else label_width + 4)
    lines = list[str]()
    for label, text in rows.items():
        wrapped = textwrap.fill(text, width, initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False)
        if narrow or len(label) > label_width:
            lines += [f"  {label}", wrapped]
        else:
            lines.append(f"  {label:{label_width}}  {wrapped.lstrip()}")
    return "\n".join(filter(None, lines))
