"""Everything a contributor or CI runs. `nox -l` lists the sessions; `nox -s tests` is the test command."""

from __future__ import annotations

import os
import socket
import subprocess
from pathlib import Path

import nox

nox.options.error_on_missing_interpreters = False
nox.options.sessions = ["tests", "types", "lint", "contract"]

PYTHONS = nox.project.python_versions(nox.project.load_toml("pyproject.toml"))
OLDEST = PYTHONS[0]
DESCRIPTION = Path(__file__).parent.parent / "shared" / "api" / "openapi-1.3.json"

# pyenv installs interpreters side by side and shows only the active ones; the others are as good for testing.
PYENV = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
os.environ["PATH"] = os.pathsep.join([os.environ["PATH"], *(str(path) for path in sorted(PYENV.glob("3.*/bin")))])


def free_port() -> str:
    """A port of the loopback interface that nobody listens at."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return str(server.getsockname()[1])


@nox.session(python=PYTHONS)
def tests(session: nox.Session) -> None:
    """All tests against the built wheel, on every Python that is there; asyncio's debug mode is on for the oldest."""
    session.install(".[test]")
    debug = f"asyncio_debug={str(session.python == OLDEST).lower()}"
    session.run(_pytest(session), "-n", "2", "-o", debug, *session.posargs)


@nox.session(python=OLDEST)
def coverage(session: nox.Session) -> None:
    """The share of lines and branches that the tests run, subprocesses included."""
    session.install(".[test]")
    session.run("coverage", "run", _pytest(session), *session.posargs)
    session.run("coverage", "combine", "--quiet")
    session.run("coverage", "report")


def _pytest(session: nox.Session) -> str:
    """By its path: `python -m` would put the checkout before the wheel."""
    return str(Path(session.bin) / "pytest")


@nox.session(python=OLDEST)
def types(session: nox.Session) -> None:
    """Types: mypy --strict, pyright strict, and the share of the public face that is typed."""
    session.install(".[types]")
    session.run("mypy")
    session.run("pyright")
    session.run("pyright", "--verifytypes", "twelvelabs_async", "--ignoreexternal")


@nox.session(python=OLDEST)
def lint(session: nox.Session) -> None:
    """ruff, with every rule that is off explained in pyproject.toml."""
    session.install(".[lint]")
    session.run("ruff", "check")
    session.run("ruff", "format", "--check")


@nox.session(python=OLDEST)
def contract(session: nox.Session) -> None:
    """Every method against the facts of the API, and those against the published description when it is there."""
    session.install(".[test]")
    session.run("pytest", "-n", "2", "-o", "asyncio_debug=false", "tests/contract", "tests/emulator/test_spec.py")


@nox.session(python=OLDEST)
def prism(session: nox.Session) -> None:
    """Every method against a mock of the published description, where that is at hand; the mock comes by npm."""
    if not DESCRIPTION.exists():
        session.skip(f"there is no {DESCRIPTION}")
    session.install(".[test]")
    folder, port = session.create_tmp(), free_port()
    session.run("npm", "install", "--silent", "--prefix", folder, "@stoplight/prism-cli@5", external=True)
    command = [f"{folder}/node_modules/.bin/prism", "mock", "-h", "127.0.0.1", "-p", port, str(DESCRIPTION)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as mock:  # noqa: S603  # of our own making
        try:
            session.run("curl", "-s", "--retry", "60", "--retry-connrefused", f"127.0.0.1:{port}", external=True)
            session.run("pytest", "tests/contract/test_prism.py", env={"TWELVELABS_PRISM": f"http://127.0.0.1:{port}"})
        finally:
            mock.terminate()


@nox.session(python=OLDEST)
def docs(session: nox.Session) -> None:
    """The manual, in docs/_build; a warning is an error."""
    session.install(".[docs]")
    session.run("sphinx-build", "-W", "--keep-going", "-q", "docs", "docs/_build")


@nox.session(python=OLDEST)
def fuzz(session: nox.Session) -> None:
    """What reads a server's answers, against bytes found by coverage: `nox -s fuzz -- 60` for 60 s a target."""
    session.install(".", "atheris>=2.3")
    seconds = session.posargs[0] if session.posargs else "20"
    here = {"PYTHONPATH": str(Path("tests").resolve())}
    names = session.run("python", "-c", "from fuzz.targets import TARGETS; print(*TARGETS)", env=here, silent=True)
    with session.chdir(session.create_tmp()):  # where a find is left
        for name in str(names).split():
            session.run("python", "-m", "fuzz", name, seconds, env=here)


@nox.session(python=OLDEST)
def peers(session: nox.Session) -> None:
    """Every method of the official clients against the emulator; the one in JavaScript comes by npm."""
    session.install(".[test]")
    folder = Path(session.create_tmp()).resolve()
    (folder / "package.json").write_text(Path("tests/peers/js/package.json").read_text())
    session.run("npm", "install", "--silent", "--no-package-lock", "--prefix", str(folder), external=True)
    tests = session.posargs or ["tests/peers", "tests/functional/test_emulator_page.py"]
    session.run("pytest", *tests, env={"TWELVELABS_JS": str(folder)})


@nox.session(python=OLDEST)
def schemathesis(session: nox.Session) -> None:
    """Requests made up from the published description, where that is at hand: `nox -s schemathesis -- 100` for more."""
    if not DESCRIPTION.exists():
        session.skip(f"there is no {DESCRIPTION}")
    session.install(".[test]", "schemathesis>=4.32,<5")
    examples = {"TWELVELABS_EXAMPLES": session.posargs[0] if session.posargs else "10"}
    session.run("pytest", "-s", "tests/emulator/test_schemathesis.py", env=examples)


@nox.session(python=OLDEST)
def bench(session: nox.Session) -> None:
    """Side by side with the official client and bare aiohttp; prints ratios."""
    session.install(".[bench]")
    session.run("python", "-m", "benchmarks", *session.posargs)


@nox.session(python=OLDEST)
def soak(session: nox.Session) -> None:
    """Twenty minutes of a mixed load on one client under faults, limits and cancellations; then: what is left?"""
    session.install(".[bench]")
    session.run("python", "-m", "benchmarks.soak", *session.posargs)


@nox.session(python=OLDEST)
def demo(session: nox.Session) -> None:
    """The demo of the README."""
    session.install(".[cli]")
    session.run("twelvelabs-async", "demo", *session.posargs)
