"""The command `docs`."""

from __future__ import annotations

from twelvelabs_async._cli.arguments import Flag
from twelvelabs_async._cli.exit_codes import ExitCode


def docs(page: str | None = None, /, *, full: Flag = False, open: Flag = False) -> int:  # noqa: A002  # the option
    """Print the manual of this version: its table of contents, one page, or all of it. Needs no network.

    Examples:
      twelvelabs-async docs
      twelvelabs-async docs ingest
      twelvelabs-async docs --full > manual.md

    The text is Markdown, for persons and for language models. See https://llmstxt.org

    Args:
        page: Name of a page in the table of contents, such as `ingest`; `methods` lists all methods.
        full: Print all pages.
        open: Open the page in a browser instead, at the address of this version.
    """
    import webbrowser

    from twelvelabs_async._cli.manual import read_all, read_overview, read_page, website
    from twelvelabs_async._cli.streams import standard_output

    if open:
        webbrowser.open(website(page))
        return ExitCode.OK
    stream = standard_output()
    stream.use_utf8()
    stream.write(read_all() if full else read_page(page) if page else read_overview())
    stream.flush()
    return ExitCode.OK
