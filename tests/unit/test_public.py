"""The public names, as listed in `docs/public.toml`."""

from __future__ import annotations

import ast
import importlib
import pickle
import re
import subprocess
import sys
import typing
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import attrs
import pytest
import twelvelabs as sdk
import twelvelabs.types as sdk_types

import twelvelabs_async
from twelvelabs_async import errors, models, types
from twelvelabs_async.resources._base import Resource

ROOT = Path(__file__).parents[2]
PACKAGE = Path(twelvelabs_async.__file__).parent
MAKE_PUBLIC = ROOT / "docs" / "make_public.py"
INTERNAL_PATH = re.compile(r"twelvelabs_async(?:\.\w+)*\._(?!_)\w+|twelvelabs_async(?:/\w+)*/_(?!_)\w+")
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])


def load_make_public() -> Any:
    spec = spec_from_file_location("make_public", MAKE_PUBLIC)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


make_public = load_make_public()
PUBLIC: dict[str, Any] = make_public.PUBLIC
NAMES = [(module["name"], name) for module in PUBLIC["modules"] for name in make_public.names_of(module)]
TOP = sorted(name for module in PUBLIC["modules"] for name in module.get("top", ()))
MODULES = sorted({module["name"] for module in PUBLIC["modules"]})


def public_object(module: str, name: str) -> Any:
    return getattr(importlib.import_module(f"twelvelabs_async.{module}"), name)


def is_internal(path: str) -> bool:
    return any(part.startswith("_") for part in path.split("."))


def test_the_generated_files_are_up_to_date() -> None:
    """`__all__`, lazy imports, the table of models, aliases and the reference are generated from the list."""
    stale = [str(path) for path, content in make_public.files().items() if path.read_text("utf-8") != content]
    assert not stale, "run python docs/make_public.py"


def test_all_matches_the_list_of_public_names() -> None:
    assert sorted(twelvelabs_async.__all__) == sorted([*TOP, "__version__"])
    assert len(TOP) == len(set(TOP))


def test_the_reference_has_every_page_and_every_module() -> None:
    paths = sorted((ROOT / "docs" / "reference").rglob("*.md"))
    assert paths == sorted(ROOT / "docs" / "reference" / f"{page}.md" for page in make_public.pages())
    text = "".join(path.read_text("utf-8") for path in paths)
    documented = set(re.findall(r"automodule:: twelvelabs_async\.([\w.]+)", text))
    assert set(MODULES) <= documented
    assert not [module for module in documented if is_internal(module)]
    members = [name for names in re.findall(r":members: (.*)", text) for name in names.split(", ")]
    members += re.findall(r"\.\. auto(?:class|data):: (\w+)", text)
    assert sorted(members) == sorted(name for _, name in NAMES)


@pytest.mark.parametrize("package", ["ingest", "workers", "emulator"])
def test_a_package_exports_its_listed_names(package: str) -> None:
    module = importlib.import_module(f"twelvelabs_async.{package}")
    listed = {name for listed_module, name in NAMES if listed_module == package}
    submodules = {
        listed_module.rpartition(".")[2] for listed_module in MODULES if listed_module.startswith(f"{package}.")
    }
    assert set(module.__all__) - submodules == listed


@pytest.mark.parametrize(("module", "name"), NAMES)
def test_a_public_object_is_defined_in_a_public_module(module: str, name: str) -> None:
    value = public_object(module, name)
    if isinstance(value, type) or callable(value):
        assert not is_internal(value.__module__), f"{name} is defined in {value.__module__}"


FOUND_BY_PYTEST = {"pytest_configure", "twelvelabs_emulator"}
"""A hook and a fixture, which pytest finds by their names."""


def public_files() -> dict[str, Path]:
    """Return the modules without a leading underscore by their name in the package."""
    names = {
        ".".join(file.relative_to(PACKAGE).with_suffix("").parts).removesuffix("__init__").removesuffix("."): file
        for file in PACKAGE.rglob("*.py")
    }
    return {name: file for name, file in sorted(names.items()) if name and not is_internal(name)}


def defined_names(file: Path) -> set[str]:
    """Return the names without a leading underscore that a module defines, without imported names."""
    found: set[str] = set()
    for node in ast.parse(file.read_text("utf-8")).body:
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                found.add(node.name)
            case ast.Assign():
                found |= {name.id for target in node.targets for name in ast.walk(target) if isinstance(name, ast.Name)}
            case ast.AnnAssign(target=ast.Name(id=name)):
                found.add(name)
            case _:
                pass
    return {name for name in found if not name.startswith("_")}


@pytest.mark.parametrize("module", public_files())
def test_a_public_module_defines_public_names_only(module: str) -> None:
    """Each name is listed for its module or for a package that exports it."""
    places = {module[:end] for end in range(1, len(module) + 1) if module[end : end + 1] in {"", "."}}
    listed = {name for listed_module, name in NAMES if listed_module in places}
    assert defined_names(public_files()[module]) <= listed | FOUND_BY_PYTEST


def test_a_public_module_has_public_names() -> None:
    """A module without listed names is a package of public modules."""
    unlisted = {name for name, file in public_files().items() if name not in MODULES and not defined_names(file)}
    assert unlisted == {"models", "resources"}
    assert {name for name in public_files() if "." not in name} == twelvelabs_async._PUBLIC_MODULES


def test_a_public_module_can_be_reached_from_the_package() -> None:
    """`import twelvelabs_async as tl; tl.webhooks.verify(...)` needs no second import."""
    public = sorted({module.partition(".")[0] for module in MODULES})
    script = f"import twelvelabs_async as tl; print(*[getattr(tl, name).__name__ for name in {public}])"
    command = [sys.executable, "-W", "error", "-c", script]
    completed = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603  # a fixed command
    assert completed.stdout.split() == [f"twelvelabs_async.{name}" for name in public]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_page_of_the_manual_names_no_internal_module(page: Path) -> None:
    assert not INTERNAL_PATH.findall(page.read_text("utf-8"))


PICKLED: list[Any] = [
    errors.APIError(message="x", operation="GET /indexes"),
    errors.UploadError(message="x"),
    models.Index(id="i", index_name="n", models=(models.IndexModel(model_name="m"),)),
    models.VideoAsset(asset_id="a"),
    twelvelabs_async.WaitResult(id="a", item=models.Asset(id="a", status="ready")),
    twelvelabs_async.UploadState(
        upload_id="u", asset_id="a", filename="f", total_size=1, chunk_size=1, fingerprint="1"
    ),
    twelvelabs_async.EmbeddingView(segments=()),
    twelvelabs_async.RequestStarted(call_id=1, operation="GET /indexes", request_bytes=0),
]


@pytest.mark.parametrize("value", PICKLED, ids=lambda value: type(value).__name__)
def test_a_pickle_names_public_modules_only(value: Any) -> None:
    data = pickle.dumps(value, protocol=0)
    named_modules = set(re.findall(rb"twelvelabs_async[\w.]*", data))
    assert named_modules
    assert not [path for path in named_modules if is_internal(path.decode())]
    unpickled = pickle.loads(data)  # noqa: S301  # pickled by this test
    assert (type(unpickled), repr(unpickled), str(unpickled)) == (type(value), repr(value), str(value))


ALIASES = sorted([*PUBLIC["same_types"], *PUBLIC["types"], *PUBLIC["sdk_types"]])
WITHOUT_COUNTERPART = [name for group in PUBLIC["types_left_out"] for name in group["names"]]


def models_in(hint: Any) -> set[Any]:
    """Return the models in a type hint and, recursively, in their fields."""
    if isinstance(hint, type) and issubclass(hint, models.Model):
        found: set[Any] = {hint, *hint.__subclasses__()}
        return found.union(*(models_in(kind) for kind in typing.get_type_hints(hint).values()))
    return set[Any]().union(*(models_in(member) for member in typing.get_args(hint)))


def input_models() -> set[Any]:
    found: set[Any] = set()
    for module, name in NAMES:
        resource = public_object(module, name)
        if isinstance(resource, type) and issubclass(resource, Resource):
            for method in vars(resource).values():
                hints = typing.get_type_hints(method) if callable(method) else {}
                found |= set[Any]().union(*(models_in(hint) for key, hint in hints.items() if key != "return"))
    return found


INPUTS = input_models()

ADDITIONALLY_REQUIRED = {
    "AnalyzeTaskResponseRequestParamsPromptV2": {"input_text"},  # the official type is used in responses only
    "AnalyzeTaskSegmentField": {"description"},  # the API requires it
    "DocumentSpatialSegmentation": {"strategy"},  # the API requires it
    "IndexModelsItem": {"model_name"},  # the official type is used in responses only
}
"""Fields that the type requires although the official type does not, with the reasons."""


def test_every_type_name_of_the_official_sdk_is_listed_once() -> None:
    """As an alias, as the same name, or as a name without a counterpart, with a reason."""
    official = {*sdk_types.__all__, *(name for name in dir(sdk) if name[0].isupper())}
    assert sorted([*ALIASES, *WITHOUT_COUNTERPART]) == sorted(official)
    assert all(group["reason"] for group in PUBLIC["types_left_out"])


@pytest.mark.parametrize("name", ALIASES)
def test_an_alias_accepts_the_fields_of_the_official_type(name: str) -> None:
    alias, official = getattr(types, name), getattr(sdk_types, name, None) or getattr(sdk, name)
    fields: dict[str, Any] = getattr(official, "model_fields", {})
    if not fields or not attrs.has(alias):
        assert literals(alias) == literals(official) or not literals(official)
        return
    alias_fields = {field.name: field for field in attrs.fields(alias)}
    assert fields.keys() <= alias_fields.keys()
    if alias in INPUTS:
        required = {field for field, info in fields.items() if info.is_required()}
        alias_required = {field.name for field in alias_fields.values() if field.default is attrs.NOTHING}
        assert alias_required <= required | ADDITIONALLY_REQUIRED.get(name, set())


@pytest.mark.parametrize("name", WITHOUT_COUNTERPART)
def test_a_type_without_a_counterpart_raises_attribute_error(name: str) -> None:
    with pytest.raises(AttributeError, match=name):
        getattr(types, name)


def literals(kind: Any) -> set[Any]:
    if typing.get_origin(kind) is typing.Literal:
        return set(typing.get_args(kind))
    return {value for member in typing.get_args(kind) for value in literals(member)}
