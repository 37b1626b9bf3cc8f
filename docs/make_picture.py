"""Generate `docs/demo.svg`, a screenshot of the demo.

Run it from the top of the repository: `python docs/make_picture.py`.
"""

from __future__ import annotations

import io
import os
import pty
import re
import struct
import sys
from fcntl import ioctl
from itertools import groupby
from pathlib import Path
from termios import TIOCSWINSZ
from typing import Final

import pyte
from pyte.screens import Char
from rich.console import Console
from rich.style import Style
from rich.terminal_theme import MONOKAI
from rich.text import Text

OUTPUT: Final = Path(__file__).with_name("demo.svg")
COLUMNS: Final = 100
ROWS: Final = 40
COMMAND: Final = (sys.executable, "-m", "twelvelabs_async", "demo")

SVG_TEMPLATE: Final = """\
<svg class="rich-terminal" viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg">
<style>
.{unique_id}-matrix {{ font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, monospace;
  font-size: {char_height}px; line-height: {line_height}px; font-variant-east-asian: full-width; }}
.{unique_id}-title {{ font-size: 18px; font-weight: bold; font-family: sans-serif; }}
{styles}
</style>
<defs><clipPath id="{unique_id}-clip-terminal"><rect x="0" y="0" width="{terminal_width}" height="{terminal_height}"/>
</clipPath>{lines}</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix">{matrix}</g>
</g>
</svg>
"""


def record_demo() -> bytes:
    """Run the demo in a terminal of this size and return its output."""
    child, terminal = pty.fork()
    if not child:
        os.environ |= {"TERM": "xterm-256color", "COLUMNS": str(COLUMNS), "LINES": str(ROWS)}
        os.execv(COMMAND[0], COMMAND)  # noqa: S606  # trusted command
    ioctl(terminal, TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    output = b""
    try:
        while chunk := os.read(terminal, 65536):
            output += chunk
    except OSError:  # the terminal was closed
        pass
    os.waitpid(child, 0)
    return output


def render_screen(output: bytes) -> list[Text]:
    """Return the final screen, line by line."""
    screen = pyte.Screen(COLUMNS, ROWS)
    pyte.ByteStream(screen).feed(output)
    lines = [_line(screen, row) for row in range(ROWS)]
    while not lines[-1].plain.strip():
        lines.pop()
    return lines


def _line(screen: pyte.Screen, row: int) -> Text:
    line = Text()
    cells = [screen.buffer[row][column] for column in range(COLUMNS)]
    for style, run in groupby(cells, key=_style):
        line.append("".join(cell.data for cell in run), style)
    line.rstrip()
    return line


def _style(cell: Char) -> Style:
    color = None if cell.fg == "default" else re.sub("^bright", "bright_", cell.fg).replace("brown", "yellow")
    return Style(color=color, bold=cell.bold)


def main() -> None:
    """Run the demo and write the image."""
    console = Console(record=True, width=COLUMNS, file=io.StringIO(), force_terminal=True)
    for line in render_screen(record_demo()):
        console.print(line, soft_wrap=True)
    svg = console.export_svg(title="twelvelabs-async demo", theme=MONOKAI, code_format=SVG_TEMPLATE, unique_id="demo")
    OUTPUT.write_text("\n".join(text.rstrip() for text in svg.splitlines()) + "\n", "utf-8")


if __name__ == "__main__":
    main()
