"""Reads the command line, runs a command, and turns how it ended into an exit code."""

from __future__ import annotations

import asyncio
import io
import os
import sys
from collections.abc import Coroutine, Sequence
from pathlib import Path
from typing import Annotated, Any, Final, TypeVar

from cyclopts import App, CycloptsError, Parameter
from cyclopts.validators import Number

from twelvelabs_async._version import __version__
from twelvelabs_async.cli import commands, demo, doctor, fleet, ingesting, limits
from twelvelabs_async.cli.codes import Code, of_error
from twelvelabs_async.cli.render import Screen
from twelvelabs_async.cli.running import Wishes
from twelvelabs_async.emulator import __main__ as emulator_program
from twelvelabs_async.errors import InvalidInputError, TwelveLabsError
from twelvelabs_async.ingest import Dedupe, OnQuota
from twelvelabs_async.ingest.forecast import PlanName
from twelvelabs_async.models.search import SearchOption
from twelvelabs_async.settings import KEY_VARIABLES

T = TypeVar("T")

EXIT_CODES: Final = """\
Exit codes:
    0  all went well
    1  some items failed, or there is no such index
    2  wrong usage, or no key
    3  the API refused, or could not be reached
   75  a quota is used up; the same command goes on later
  130  interrupted; with a ledger, the same command goes on

The key is read from TWELVELABS_API_KEY. The demo and the emulator need none.
"""

app: App = App(
    name="twelvelabs-async",
    help="Videos into the Twelve Labs platform, and answers out of it.",
    help_epilogue=EXIT_CODES,
    help_format="plaintext",
    version=__version__,
    suppress_keyboard_interrupt=False,
)

Flag = Annotated[bool, Parameter(negative=(), show_default=False)]
Several = Annotated[int, Parameter(validator=Number(gte=1))]


@app.command(name="demo")
def _demo(folder: Path | None = None, /) -> int:
    """Try everything without a key: an emulator, three small videos, a search.

    Args:
        folder: Your own videos instead of those that come with the package.
    """
    return asyncio.run(demo.demo(folder, Screen()))


@app.command
def ingest(
    sources: Annotated[list[str], Parameter(negative=())] = [],  # noqa: B006  # read, never written
    /,
    *,
    index: str,
    ledger: str | None = None,
    submit: Flag = False,
    concurrency: Several = 4,
    dedupe: Dedupe = "name",
    on_quota: OnQuota = "stop",
    retry_failed: Flag = False,
    dry_run: Flag = False,
    plan: PlanName | None = None,
    clean: Flag = False,
    yes: Flag = False,
    report: Path | None = None,
    budget: str | None = None,
    base_url: str | None = None,
    json: Flag = False,
) -> int:
    """Upload videos and index them, many at a time; with a ledger, any end is continued by the same command.

    Args:
        sources: Files, folders, globs and http(s) addresses.
        index: Name or id of the index; one of this name is made if there is none.
        ledger: File that remembers what has been done, made if it is not there; or postgresql://user@host/database.
        submit: Only hand them in, for workers on other machines that share a ledger in a database.
        concurrency: Files sent at once.
        dedupe: Which files are the same: those of one path; of one name, size and time; or of one content.
        on_quota: Stop when a quota is used up (exit code 75), or wait until it is back.
        retry_failed: Try again what the platform has refused in an earlier run.
        dry_run: Say what would be sent, how, and what would be refused and why; and do nothing.
        plan: Published limits to reckon with in a dry run; accounts may be allowed less.
        clean: Take no sources, but list assets that were uploaded with this ledger and are in no index, and delete
            them if that is confirmed.
        yes: Confirm it beforehand.
        report: File to write a page about the ingestion to, which a browser opens.
        budget: Where processes keep their limits together: sqlite:///budget.db, redis://host:6379/0. A dry run looks
            there for what earlier runs were told.
        base_url: Address of the API, if it is not the platform's own.
        json: One JSON line an item, and nothing else, on standard output.
    """
    screen = Screen(json=json)
    wishes = Wishes(
        concurrency=concurrency,
        ledger=ledger,
        dedupe=dedupe,
        on_quota=on_quota,
        retry_failed=retry_failed,
        report=report,
        budget=budget,
    )
    if clean == bool(sources):
        raise InvalidInputError("--clean takes no sources" if clean else "name files, folders, globs or addresses")
    if clean:
        return _clean(index, wishes, yes=yes, base_url=base_url, screen=screen)
    if submit:
        url = fleet.address_of(ledger)
        command = fleet.submit(sources, url, index=index, wishes=wishes, base_url=base_url, screen=screen)
    elif dry_run:
        command = ingesting.dry_run(sources, index=index, wishes=wishes, plan=plan, base_url=base_url, screen=screen)
    else:
        command = ingesting.ingest(sources, index=index, wishes=wishes, base_url=base_url, screen=screen)
    return _with_key(command)


def _clean(index: str, wishes: Wishes, *, yes: bool, base_url: str | None, screen: Screen) -> int:
    """Ask between two loops: a question in the middle of one would stop it."""
    left = _with_key(ingesting.find_orphans(index=index, wishes=wishes, base_url=base_url, screen=screen))
    if not left or not (yes or screen.asks(f"delete {len(left):,} assets?")):
        return Code.OK
    command = ingesting.delete_orphans(left, wishes=wishes, base_url=base_url, screen=screen)
    return _with_key(command)


@app.command
def search(
    index: str,
    words: str,
    /,
    *,
    limit: Several = 10,
    option: Annotated[list[SearchOption] | None, Parameter(negative=())] = None,
    base_url: str | None = None,
    json: Flag = False,
) -> int:
    """Find moments in the videos of an index.

    Args:
        index: Name or id of the index.
        words: What to look for.
        limit: Most hits to show.
        option: Where to look, once or more; all that the index was made for if left out.
        base_url: Address of the API, if it is not the platform's own.
        json: One JSON line an item, and nothing else, on standard output.
    """
    screen = Screen(json=json)
    return _with_key(commands.search(index, words, limit=limit, options=option, base_url=base_url, screen=screen))


@app.command(name="limits")
def _limits(
    *,
    budget: str | None = None,
    organization: str | None = None,
    base_url: str | None = None,
    json: Flag = False,
) -> int:
    """Show what may still be sent: live on a terminal, once elsewhere.

    Without a shared budget two lists are read once a minute, and tell of their own limits.

    Args:
        budget: Where processes keep their limits together: sqlite:///budget.db, redis://host:6379/0.
        organization: The name they are kept under, if not that of the key.
        base_url: Address of the API, if it is not the platform's own.
        json: One JSON line a window, and nothing else, on standard output.
    """
    screen = Screen(json=json)
    command = limits.limits(budget=budget, organization=organization, base_url=base_url, screen=screen)
    return _with_key(command)


@app.command(name="doctor")
def _doctor(*, session: Flag = False, base_url: str | None = None, json: Flag = False) -> int:
    """Look at the platform with your key: key, clock, version, limits, and what nobody has documented.

    A dozen reads that cost nothing. The report holds no key and no content; put it into a bug report.

    Args:
        session: Announce an upload too, which is never made and expires by itself: it tells the size of parts.
        base_url: Address of the API, if it is not the platform's own.
        json: One JSON line a finding, and nothing else, on standard output.
    """
    screen = Screen(json=json)
    return _with_key(doctor.doctor(session=session, base_url=base_url, screen=screen))


@app.command(name="worker")
def _worker(
    *,
    ledger: str,
    concurrency: Several = 8,
    budget: str | None = None,
    organization: str | None = None,
    base_url: str | None = None,
) -> int:
    """Carry what `ingest --submit` has handed in, beside any number of other workers, until interrupted.

    Args:
        ledger: The database they share: postgresql://user@host/database.
        concurrency: Steps at once: uploads, requests to index, looks at lists.
        budget: Where they keep their limits together: redis://host:6379/0, or the address of the database.
        organization: The name these are kept under, if not that of the key.
        base_url: Address of the API, if it is not the platform's own.
    """
    command = fleet.work(
        fleet.address_of(ledger),
        concurrency=concurrency,
        budget=budget,
        organization=organization,
        base_url=base_url,
        screen=Screen(),
    )
    return _with_key(command)


@app.command(name="status")
def _status(*, ledger: str, watch: Flag = False, json: Flag = False) -> int:
    """Say how far the videos are that were handed in; exit code 1 if some failed. Needs no key.

    Args:
        ledger: The database: postgresql://user@host/database.
        watch: Say it again and again until nothing is left to do.
        json: One JSON line each time, and nothing else, on standard output.
    """
    return asyncio.run(fleet.status(fleet.address_of(ledger), watch=watch, screen=Screen(json=json)))


@app.command(help_flags=[], version_flags=[])
def emulator(*flags: Annotated[str, Parameter(allow_leading_hyphen=True)]) -> int:
    """Serve a stand-in for the API until interrupted. Prints its address, its key, and where to look inside."""
    emulator_program.main(flags, program=f"{app.name[0]} emulator")
    return Code.OK


def _with_key(command: Coroutine[Any, Any, T]) -> T:
    if any(os.environ.get(name) for name in KEY_VARIABLES):
        return asyncio.run(command)
    command.close()
    raise InvalidInputError(f"no API key: set {KEY_VARIABLES[0]}, or try it all without one: twelvelabs-async demo")


def run(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code. No error of ours shows a traceback."""
    _accept_any_text()
    try:
        return int(app(arguments, result_action="return_value", exit_on_error=False, print_error=False) or Code.OK)
    except CycloptsError as error:
        Screen().error(str(error))
        return Code.USAGE
    except KeyboardInterrupt:
        Screen().error("interrupted")
        return Code.INTERRUPTED
    except TwelveLabsError as error:
        Screen().error(str(error))
        return of_error(error)


def _accept_any_text() -> None:
    """File names may hold anything; what the terminal cannot show is shown as an escape."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
