"""The generated stubs are up to date and have the methods and parameters of the classes."""

from __future__ import annotations

import ast
import inspect
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

from support import KEY, UNREACHABLE_URL

from twelvelabs_async import AsyncTwelveLabs
from twelvelabs_async.sync import TwelveLabs

ROOT = Path(__file__).parents[2]


def load_make_stubs() -> Any:
    spec = spec_from_file_location("make_stubs", ROOT / "docs" / "make_stubs.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def classes_of(name: str) -> dict[str, ast.ClassDef]:
    tree = ast.parse((ROOT / "twelvelabs_async" / name).read_text("utf-8"))
    return {node.name: node for node in tree.body if isinstance(node, ast.ClassDef)}


def methods_below(classes: dict[str, ast.ClassDef], name: str, path: str = "") -> dict[str, list[str]]:
    """Return the parameters of each method that can be reached from a class, by its path."""
    methods: dict[str, list[str]] = {}
    for node in classes[name].body:
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        result = ast.unparse(node.returns) if node.returns else ""
        is_property = any(ast.unparse(decorator) == "property" for decorator in node.decorator_list)
        if is_property and result in classes and result != "_RawClient":
            methods |= methods_below(classes, result, f"{path}{node.name}.")
        elif not is_property and (not node.name.startswith("_") or node.name == "__call__"):
            arguments = [*node.args.args, *node.args.kwonlyargs, *filter(None, (node.args.vararg, node.args.kwarg))]
            methods[path + node.name] = [argument.arg for argument in arguments if argument.arg != "self"]
    return methods


def test_the_stubs_are_up_to_date() -> None:
    stale = [path.name for path, content in load_make_stubs().files().items() if path.read_text("utf-8") != content]
    assert not stale, "run python docs/make_stubs.py"


def names_at_run_time(target: Any, path: str) -> list[str]:
    """Return the public methods that can be reached from an asynchronous object, by their paths."""
    names: list[str] = []
    for name in dir(target):
        if name.startswith("_"):
            continue
        value = getattr(target, name)
        if hasattr(value, "_executor"):
            names += [f"{path}{name}.__call__"] if callable(value) else []
            names += names_at_run_time(value, f"{path}{name}.")
        elif callable(value):
            names.append(path + name)
    return names


def test_the_stub_of_the_synchronous_client_has_every_method() -> None:
    client = AsyncTwelveLabs(KEY, base_url=UNREACHABLE_URL)
    groups = [name for name in dir(client) if hasattr(getattr(client, name), "_executor")]
    expected = {name for group in groups for name in names_at_run_time(getattr(client, group), f"{group}.")}
    assert len(expected) > 110
    stub_methods = methods_below(classes_of("sync.pyi"), "TwelveLabs")
    missing = expected - {name.removesuffix(".__call__") for name in stub_methods} - set(stub_methods)
    assert sorted(missing) == []


def test_the_parameters_of_the_stub_are_those_of_the_methods() -> None:
    """`**unsupported`, which detects invalid parameters, may be absent from an overload."""
    client: Any = TwelveLabs(KEY, base_url=UNREACHABLE_URL)
    different: list[str] = []
    for name, parameters in methods_below(classes_of("sync.pyi"), "TwelveLabs").items():
        method: Any = client
        for part in name.split("."):
            method = getattr(method._find(client._loop_client.client) if part == "__call__" else method, part)
        if name == "with_options":
            method = AsyncTwelveLabs(KEY).with_options
        actual = [parameter for parameter in inspect.signature(method).parameters if parameter != "unsupported"]
        different += [name] if [parameter for parameter in parameters if parameter != "unsupported"] != actual else []
    assert different == []


def test_raw_responses_have_the_methods_that_send_one_request() -> None:
    sync = set(methods_below(classes_of("sync.pyi"), "TwelveLabs"))
    for stub, root in (("sync.pyi", "_RawClient"), ("_raw_methods.pyi", "RawResponses")):
        raw = methods_below(classes_of(stub), root)
        left_out = {name for name in sync if "." in name} - set(raw)
        assert {name.rpartition(".")[2] for name in left_out} == {"wait_for_all", "temporary"}


def test_both_client_constructors_have_the_same_parameters_except_session() -> None:
    asynchronous = dict(inspect.signature(AsyncTwelveLabs).parameters)
    del asynchronous["session"]
    assert list(inspect.signature(TwelveLabs).parameters) == list(asynchronous)


def test_docstrings_have_no_await() -> None:
    client = TwelveLabs(KEY, base_url=UNREACHABLE_URL)
    for text in (client.indexes.ensure.__doc__, client.assets.temporary.__doc__, TwelveLabs.__doc__):
        assert text is not None
        assert "await " not in text
        assert "async " not in text
    text = (ROOT / "twelvelabs_async" / "sync.pyi").read_text("utf-8")
    assert "await client" not in text
    assert "async with" not in text
