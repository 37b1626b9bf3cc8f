"""Commands for contributors and CI. `nox -l` lists the sessions; `nox -s tests` runs all tests."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from pathlib import Path

import nox
from packaging.requirements import Requirement

nox.needs_version = ">=2025.2.9"  # dependency groups
nox.options.default_venv_backend = "uv|virtualenv"
nox.options.error_on_missing_interpreters = False
nox.options.sessions = ["tests", "uvloop", "types", "lint"]

PROJECT = nox.project.load_toml("pyproject.toml")
PYTHONS = nox.project.python_versions(PROJECT)
OLDEST = PYTHONS[0]
DESCRIPTION = Path(__file__).parent.parent / "shared" / "api" / "openapi-1.3.json"

EVERY_PYTHON = ["tests/unit", "tests/functional"]
"""Tests that run on each Python; the others run on the oldest one."""
BENCH_EXTRAS = "cli,media,numpy,otel,postgres,redis"
"""Without `fast`, so that all clients use the same JSON parser."""
REPOSITORY_FILES = {
    "citation-file-format": "CITATION.cff",
    "dependabot": ".github/dependabot.yml",
    "github-issue-config": ".github/ISSUE_TEMPLATE/config.yml",
    "github-issue-forms": ".github/ISSUE_TEMPLATE/[!c]*.yml",
    "github-workflows": ".github/workflows/*.yml",
    "readthedocs": ".readthedocs.yaml",
}
"""Files with a published JSON schema, by the name of the schema."""
NO_TESTS_COLLECTED = 5
"""Exit code of pytest when no test was collected."""

OFFICIAL_VERSIONS = ["1.0.2", "1.1.0", "1.2.0", "1.2.8", "1.3.0", "1.3.3", "1.3.6"]
"""Versions of the official Python client that the emulator is tested with."""
OLDER_VERSIONS = ["0.4.11", "1.0.2", "1.1.0", "1.2.9"]
"""Versions of the official Python client that the migration page compares."""
PEER_SUITES = {
    "twelvelabs-haystack": ["twelvelabs-haystack==2.0.0", "pip", "pytest", "pytest-asyncio"],
    "vision-agents-plugins-twelvelabs": [
        "vision-agents-plugins-twelvelabs==0.6.9",
        "vision-agents==0.6.9",
        "numpy",
        "pip",
        "pytest",
        "pytest-asyncio",
    ],
}
"""Packages with tests in their source archives, and the requirements of these tests."""

# pyenv installs interpreters in directories that are not on PATH. uv must use them and download none.
PYENV = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
os.environ["PATH"] = os.pathsep.join([os.environ["PATH"], *(str(path) for path in sorted(PYENV.glob("3.*/bin")))])
os.environ.setdefault("UV_PYTHON_DOWNLOADS", "never")

# Tests and benchmarks start many processes; without bytecode files, each process would compile the package.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)


_CLIP = "twelvelabs_async/_cli/clips/sailing-boat-at-sunset.mp4"


def _copy(source: Path, folder: Path) -> str:
    """Copy a file into a folder, and return the path of the copy."""
    target = folder / source.name
    target.write_text(source.read_text("utf-8"), "utf-8")
    return str(target)


def _install(session: nox.Session, *groups: str, extras: str = "all,frames", constraints: Path | None = None) -> None:
    """Install the package with extras and with dependency groups of pyproject.toml, by any version of pip."""
    options = ["--constraint", str(constraints)] if constraints else []
    session.install(f".[{extras}]", *nox.project.dependency_groups(PROJECT, *groups), *options)


def free_port() -> str:
    """Return a free port of the loopback interface."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return str(server.getsockname()[1])


@nox.session(python=PYTHONS)
def tests(session: nox.Session) -> None:
    """Run all tests on the oldest Python, in asyncio's debug mode, and most of them on each newer one."""
    _install(session, "test")
    if session.python == OLDEST:
        options = ["-m", "not recipe", "-o", "asyncio_debug=true"]
    elif session.posargs:
        options = ["-m", "not recipe", "-o", "asyncio_debug=false"]
    else:
        options = ["-m", "not recipe and not oldest_python", "-o", "asyncio_debug=false", *EVERY_PYTHON]
    # Three workers on two cores: one worker mostly waits, in the tests marked `waits`.
    session.run(_pytest(session), "-n", "3", "--dist", "worksteal", *options, *session.posargs)


@nox.session(python=OLDEST)
def uvloop(session: nox.Session) -> None:
    """Run the functional tests on uvloop; `tests` runs them on asyncio's event loop."""
    _install(session, "test")
    options = ["-n", "3", "--dist", "worksteal", "-m", "not recipe", "-o", "asyncio_debug=false"]
    paths = session.posargs or ["tests/functional"]
    session.run(_pytest(session), *options, *paths, env={"TWELVELABS_TEST_LOOP": "uvloop"})


@nox.session(python=PYTHONS)
def lowest(session: nox.Session) -> None:
    """Run the tests with the lowest versions of all dependencies of the package: `nox -s lowest-3.11`."""
    constraints = Path(session.create_tmp()) / "constraints.txt"
    constraints.write_text("".join(f"{line}\n" for line in _floors()), "utf-8")
    _install(session, "test", constraints=constraints)
    # The newest anyio that accepts these versions is incompatible with the newest pytest.
    _run_on_each_python(session, "-p", "no:anyio")


@nox.session(python=PYTHONS)
def newest(session: nox.Session) -> None:
    """Run the tests with the newest versions of all dependencies, and with pre-releases: `nox -s newest-3.14`."""
    _install(session, "test")
    session.install("--upgrade", "--pre", *(Requirement(line).name for line in PROJECT["project"]["dependencies"]))
    _run_on_each_python(session)


def _run_on_each_python(session: nox.Session, *pytest_options: str) -> None:
    """Run the tests that run on each Python."""
    options = [*pytest_options, "-n", "2", "--dist", "worksteal", "-m", "not recipe", "-o", "asyncio_debug=false"]
    session.run(_pytest(session), *options, *(session.posargs or EVERY_PYTHON))


def _requirements() -> list[str]:
    """Return the requirements of the package and of its extras, without the package itself."""
    project = PROJECT["project"]
    lines = [*project["dependencies"], *(line for extra in project["optional-dependencies"].values() for line in extra)]
    return [line for line in lines if Requirement(line).name != project["name"]]


def _floors() -> list[str]:
    """Return a constraint for each requirement that has a lower bound: the lowest version, with the marker."""
    floors: list[str] = []
    for requirement in map(Requirement, _requirements()):
        marker = f"; {requirement.marker}" if requirement.marker else ""
        floors += [
            f"{requirement.name}=={specifier.version}{marker}"
            for specifier in requirement.specifier
            if specifier.operator == ">="
        ]
    return floors


@nox.session(python=OLDEST)
def package(session: nox.Session) -> None:
    """Build the package in dist, and check metadata and contents: `nox -s package -- REPOSITORY TAG` for a release."""
    session.install(*nox.project.dependency_groups(PROJECT, "package"))
    repository = PROJECT["tool"]["hatch"]["metadata"]["hooks"]["custom"]["repository"]
    if session.posargs and session.posargs[0] != repository:
        session.error(f"set `repository` in pyproject.toml to {session.posargs[0]!r}; it is {repository!r}")
    shutil.rmtree("dist", ignore_errors=True)
    session.run("validate-pyproject", "pyproject.toml")
    session.run("python", "-m", "build", "--quiet")
    wheel, archive = (str(next(Path("dist").glob(pattern))) for pattern in ("*.whl", "*.tar.gz"))
    if session.posargs[1:] not in ([], [f"v{Path(wheel).name.split('-')[1]}"]):
        session.error(f"the tag {session.posargs[1]!r} is not the version of {wheel}")
    session.run("twine", "check", "--strict", wheel, archive)
    session.run("check-wheel-contents", wheel)
    # The metadata have no e-mail address, and no URL while no repository is set.
    skipped = "AuthorEmail" if repository else "AuthorEmail,Url"
    session.run("pyroma", "--min", "10", "--skip-tests", skipped, archive)
    for schema, files in REPOSITORY_FILES.items():
        session.run("check-jsonschema", "--builtin-schema", f"vendor.{schema}", *map(str, sorted(Path().glob(files))))


@nox.session(python=OLDEST)
def recipes(session: nox.Session) -> None:
    """Run the tests marked `recipe`, which need other packages."""
    _install(session, "recipes")
    session.run(_pytest(session), "-m", "recipe", *session.posargs, success_codes=[0, NO_TESTS_COLLECTED])


@nox.session(python=OLDEST)
def coverage(session: nox.Session) -> None:
    """Measure the line and branch coverage of the tests, including subprocesses."""
    _install(session, "test")
    session.run("coverage", "run", _pytest(session), *session.posargs)
    session.run("coverage", "combine", "--quiet")
    session.run("coverage", "report")


def _pytest(session: nox.Session) -> str:
    """Return the path of pytest: `python -m pytest` would import the checkout instead of the installed package."""
    return str(Path(session.bin) / "pytest")


@nox.session(python=OLDEST)
def types(session: nox.Session) -> None:
    """Check types with mypy --strict and pyright strict, and check that every public name has a type."""
    _install(session, "types")
    session.run("mypy")
    session.run("mypy", "--platform", "win32", "twelvelabs_async")  # finds names that Windows lacks
    session.run("pyright")
    session.run("pyright", "--verifytypes", "twelvelabs_async", "--ignoreexternal")


@nox.session(python=OLDEST)
def lint(session: nox.Session) -> None:
    """Run ruff; pyproject.toml explains why a rule is disabled."""
    session.install(*nox.project.dependency_groups(PROJECT, "lint"))
    session.run("ruff", "check")
    session.run("ruff", "format", "--check")


@nox.session(python=OLDEST)
def contract(session: nox.Session) -> None:
    """Compare every method with the facts of the API, and the facts with the published description if it exists."""
    _install(session, "test")
    session.run("pytest", "-n", "2", "-o", "asyncio_debug=false", "tests/contract", "tests/emulator/test_spec.py")


@nox.session(python=OLDEST)
def prism(session: nox.Session) -> None:
    """Call every method on a mock of the published description, if it exists. npm installs the mock."""
    if not DESCRIPTION.exists():
        session.skip(f"{DESCRIPTION} does not exist")
    _install(session, "test")
    folder, port = session.create_tmp(), free_port()
    session.run("npm", "install", "--silent", "--prefix", folder, "@stoplight/prism-cli@5", external=True)
    command = [f"{folder}/node_modules/.bin/prism", "mock", "-h", "127.0.0.1", "-p", port, str(DESCRIPTION)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as mock:  # noqa: S603  # a fixed command
        try:
            session.run("curl", "-s", "--retry", "60", "--retry-connrefused", f"127.0.0.1:{port}", external=True)
            session.run("pytest", "tests/contract/test_prism.py", env={"TWELVELABS_PRISM": f"http://127.0.0.1:{port}"})
        finally:
            mock.terminate()


@nox.session(python=OLDEST)
def docs(session: nox.Session) -> None:
    """Build the manual in docs/_build, and check its internal links; a warning is an error."""
    _install(session, "docs", extras="cli,otel,postgres,redis")
    session.run("sphinx-build", "-W", "--keep-going", "-q", "docs", "docs/_build")
    session.run("python", "docs/check_links.py", "docs/_build")


@nox.session(python=OLDEST)
def fuzz(session: nox.Session) -> None:
    """Fuzz the parsers of server responses: `nox -s fuzz -- 60` runs each target for 60 s (default 20)."""
    session.install(".", "atheris>=2.3")
    seconds = session.posargs[0] if session.posargs else "20"
    env = {"PYTHONPATH": str(Path("tests").resolve())}
    names = session.run("python", "-c", "from fuzz.targets import TARGETS; print(*TARGETS)", env=env, silent=True)
    with session.chdir(session.create_tmp()):  # crashing inputs are written here
        for name in str(names).split():
            session.run("python", "-m", "fuzz", name, seconds, env=env)


@nox.session(python=OLDEST)
def peers(session: nox.Session) -> None:
    """Call every method of the official clients on the emulator. npm installs the JavaScript client."""
    _install(session, "test")
    folder = Path(session.create_tmp()).resolve()
    (folder / "package.json").write_text(Path("tests/peers/js/package.json").read_text())
    session.run("npm", "install", "--silent", "--no-package-lock", "--prefix", str(folder), external=True)
    tests = session.posargs or ["tests/peers", "tests/manual/test_emulator_page.py"]
    session.run("pytest", *tests, env={"TWELVELABS_JS": str(folder)})
    if not session.posargs:
        session.run("python", "tests/peers/flow.py", "node", _copy(Path("tests/peers/js/flow.mjs"), folder), _CLIP)
        # `notify` starts one session only; the name without parameters would start the first one.
        for version in OFFICIAL_VERSIONS:
            session.notify(f"peer_versions(version='{version}')")
        for name in PEER_SUITES:
            session.notify(f"peer_suites(name='{name}')")


@nox.session(python=OLDEST)
@nox.parametrize("version", OFFICIAL_VERSIONS)
def peer_versions(session: nox.Session, version: str) -> None:
    """Run a flow of one version of the official Python client against the command-line emulator."""
    session.install(".[cli]", f"twelvelabs=={version}")
    session.run("python", "tests/peers/flow.py")


@nox.session(python=OLDEST)
def official_versions(session: nox.Session) -> None:
    """Record the signatures of older versions of the official Python client, for the migration page."""
    session.install(".")
    for version in OLDER_VERSIONS:
        session.install(f"twelvelabs=={version}")
        session.run("python", "docs/make_migration.py", "--record")


@nox.session(python=OLDEST)
@nox.parametrize("name", list(PEER_SUITES))
def peer_suites(session: nox.Session, name: str) -> None:
    """Run the tests of a package that uses the official client against the command-line emulator."""
    session.install(".[cli]", *PEER_SUITES[name])
    folder = Path(session.create_tmp()).resolve()
    source = next(requirement for requirement in PEER_SUITES[name] if requirement.startswith(name))
    session.run("pip", "download", "-q", "--no-deps", "--no-binary", ":all:", "-d", str(folder), source)
    (archive,) = folder.glob("*.tar.gz")
    session.run("tar", "xzf", str(archive), "-C", str(folder), "--strip-components", "1", external=True)
    options = ["-q", "-o", "asyncio_mode=auto", "-c", str(folder / "pyproject.toml"), str(folder / "tests")]
    session.run("python", "tests/peers/flow.py", "pytest", *options)


@nox.session(python=OLDEST)
def schemathesis(session: nox.Session) -> None:
    """Send requests generated from the published description, if it exists: `nox -s schemathesis -- 100` for more."""
    if not DESCRIPTION.exists():
        session.skip(f"{DESCRIPTION} does not exist")
    _install(session, "test")
    session.install("schemathesis>=4.32,<5")
    examples = {"TWELVELABS_EXAMPLES": session.posargs[0] if session.posargs else "10"}
    session.run("pytest", "-s", "tests/emulator/test_schemathesis.py", env=examples)


@nox.session(python=OLDEST)
def bench(session: nox.Session) -> None:
    """Compare the speed with the official client and plain aiohttp, and print ratios."""
    _install(session, "bench", extras=BENCH_EXTRAS)
    session.run("python", "-m", "benchmarks", *session.posargs)


@nox.session(python=OLDEST)
def soak(session: nox.Session) -> None:
    """Run a mixed load for 20 minutes and report leaks; `-- --storm [--loop uvloop]` is 500 callers for two minutes."""
    _install(session, "bench", extras=BENCH_EXTRAS)
    session.run("python", "-m", "benchmarks.soak", *session.posargs)


@nox.session(python=OLDEST)
def demo(session: nox.Session) -> None:
    """Run the demo of the README."""
    session.install(".[cli]")
    session.run("twelvelabs-async", "demo", *session.posargs)
