"""Generate `docs/migration-methods.md`: every difference between the official Python SDK and this package, by types.

Run it from the top of the repository: `python docs/make_migration.py`. A test fails while the page is out of date.

`python docs/make_migration.py --record` adds the signatures of the installed version of the official SDK to
`tests/data/official_versions.json`; `nox -s official_versions` does so for the older versions.
"""

from __future__ import annotations

import inspect
import json
import sys
import tomllib
from array import array
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import reduce
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from types import NoneType, UnionType
from typing import (
    IO,
    Annotated,
    Any,
    BinaryIO,
    Final,
    Literal,
    TypedDict,
    Union,
    cast,
    get_args,
    get_origin,
    get_type_hints,
    is_typeddict,
)

import attrs
import twelvelabs
from pydantic import BaseModel, RootModel

from twelvelabs_async import AsyncTwelveLabs, RawResponse, TwelveLabs
from twelvelabs_async.models.common import SupportsModelDump

ROOT: Final = Path(__file__).parents[1]
PAGE: Final = ROOT / "docs" / "migration-methods.md"
CALLS: Final = ROOT / "tests" / "peers" / "calls.toml"
VERSIONS: Final = ROOT / "tests" / "data" / "official_versions.json"

ANYTHING: Final = "Any"
FILES: Final = {IO, BinaryIO, bytes, tuple, Path}
FILE_PROTOCOLS: Final = {"Buffer", "FilePart", "HasFile", "PathLike", "SupportsRead", "SupportsReadChunk"}
"""Types of files; both clients accept many forms, which `tests/unit/test_file_sources.py` tests."""

OMITTED_PARAMETERS: Final = {
    "adjust_confidence_level": "not part of API v1.3",
    "max_retries": "`client.with_options(max_retries=...)`",
    "retry_delay": "the pause before a retry grows with each attempt",
    "sort_option": "not part of API v1.3",
    "threshold": "not part of API v1.3",
}
"""Parameters that this package omits, with the reason."""

OTHER_TYPES: Final = {
    ("indexes.indexed_assets.update", "user_metadata"): "required, because an update without it changes nothing",
    ("indexes.videos.update", "user_metadata"): "required, because an update without it changes nothing",
    (None, "user_metadata"): "values must not be None",
    (None, "metadata"): "strings, numbers, booleans and lists of strings, the types that the platform accepts",
}
"""Types of the official client that this package rejects, with the reason: by method and parameter, or by parameter."""

OMITTED_FIELDS: Final = {
    "models[].addons[]": "`addons[]`",
    "models[].name": "`models[].model_name`",
    "models[].options[]": "`models[].model_options[]`",
    "confidence": "`rank`; the platform sends no scores",
    "completed_chunks": "`chunks_completed`",
    "effective_search_options": "in `extra` of the page",
    "[]": "`results` has the created tasks, `failures` the errors",
    "name": "`index_name`",
    "score": "`rank`; the platform sends no scores",
    "total_chunks": "the sum of `chunks_completed`, `chunks_failed` and `chunks_pending`",
}
"""Fields of results that this package omits, with their replacement: by the end of the path, the longest end first."""

OTHER_METHODS: Final = {
    "delete": "client.request",
    "embed.task": "embed.tasks",
    "generate": "analyze",
    "generate.gist": "",
    "generate.summarize": "",
    "generate.text": "analyze",
    "generate.text_stream": "analyze_stream",
    "get": "client.request",
    "gist": "",
    "index": "indexes",
    "index.video": "indexes.videos",
    "manage_entities.list_all_entities": "entity_collections.entities.list",
    "patch": "client.request",
    "post": "client.request",
    "put": "client.request",
    "search.by_page_token": "search.retrieve",
    "summarize": "",
    "task": "tasks",
    "task.status": "",
    "task.transfers": "",
    "tasks.transfers": "",
}
"""Methods and groups of older versions, and their replacement; empty for those that the platform has removed."""

OTHER_PARAMETERS: Final[Mapping[str, Sequence[str]]] = {
    "file": ["video_file"],
    "id": ["task_id", "video_id", "index_id"],
    "name": ["index_name"],
    "options": ["search_options"],
    "url": ["video_url"],
    "video_id": ["video"],
}
"""Parameters of older versions, and their possible names in this package."""

OTHER_VALUES: Final = {("video_id", "video")}
"""Renamed parameters that also take another value (old name, new name); `PAGE_TEMPLATE` explains them."""

READABLE_TYPES: Final = {"object": "objects", "DataclassInstance": "dataclasses", "dict of Any": "dicts"}
"""Types of items of lists, in words."""

REMOVED: Final = {
    "gist": "removed by the platform; use `analyze` with a prompt or a schema",
    "status": "removed by the platform; use `indexes.retrieve`, or a list by status",
    "summarize": "removed by the platform; use `analyze` with a prompt or a schema",
    "transfers": "removed by the platform; use `imports` and `data_connectors`",
}
"""What to use instead of a method that has no replacement."""

PAGE_TEMPLATE: Final = """\
# Every difference, side by side

Generated by `python docs/make_migration.py` from both clients; do not edit. The script compares types as well as names.

- [Methods and parameters](#methods-and-parameters)
- [Fields of results](#fields-of-results)
- [Raw responses](#raw-responses)
- [Without asyncio](#without-asyncio)
- [From older versions](#from-older-versions)

## Methods and parameters

You call {same} of {all} methods as in the official SDK {version}, with `await` (lists and searches: `async for`) and
with the same argument types. Replace `request_options=` with `client.with_options(...)`. Callbacks get the objects of
this package, and may be plain or coroutine functions.

| official | here |
|---|---|
{methods}

## Fields of results

The results of the same {all} methods have {fields} fields. All fields except those in this table have the same names
and types here. Lists are tuples, vectors are arrays of floats, `null` and an absent field are both None, and enumerated
values of the API are strings.

| field | official | here | methods |
|---|---|---|---|
{differences}

`await` on a list returns a page with `items`; `async for` iterates over all items. A page has no `data` and no
`page_info`.

## Raw responses

{raw} methods exist in `client.with_raw_response`, too. The official SDK has `with_raw_response` on each group:
`client.assets.with_raw_response.list()` becomes `client.with_raw_response.assets.list()`.

A raw response has these attributes:

- official: {official_raw}
- here: {our_raw}

## Without asyncio

{sync} methods of the official `TwelveLabs` exist in `TwelveLabs` here, with the parameters and the results
above, and without `await`: [without asyncio](sync.md).

## From older versions

These tables list only the changes that are not listed above. You call a method that is not in them as in {version}.
In 0.4, objects of the SDK have methods of their own, such as `task.wait_for_done()`; here the client has them.

`video_id=` took the id of a video in an index. `video=` takes a dict with the id of the asset, which is another id:

```py
entry = await client.indexes.indexed_assets.retrieve(index_id, video_id)
await client.analyze(video={{"type": "asset_id", "asset_id": entry.asset_id}}, prompt="What happens?")
```
"""

VERSION_TEMPLATE: Final = """
### Version {version}

| official {version} | here |
|---|---|
{rows}
"""

WRAPPERS: Final = {"AsyncIterator", "AsyncPager", "Iterator", "Paginator", "RootModelList", "SyncPager"}
"""Generic classes that contain any number of results."""
MAX_DEPTH: Final = 6
"""Maximum depth of nested fields that are compared; models may contain themselves."""


class Signature(TypedDict):
    """The types of the parameters of a method and of the fields of its result."""

    parameters: dict[str, list[str]]
    result: dict[str, list[str]]


def page() -> str:
    """Return the content of the page."""
    names = list(tomllib.loads(CALLS.read_text("utf-8")))
    official_client, client = twelvelabs.AsyncTwelveLabs(api_key="key"), AsyncTwelveLabs("key")
    official, package = _signatures(official_client, names), _signatures(client, names)
    rows = [f"| `{name}` | {_difference(name, official_client, client)} |" for name in names]
    text = PAGE_TEMPLATE.format(
        same=sum(row.endswith("| the same |") for row in rows),
        all=len(rows),
        version=version("twelvelabs"),
        methods="\n".join(rows),
        fields=len({(path, *kinds) for signature in official.values() for path, kinds in signature["result"].items()}),
        differences="\n".join(_field_rows(official, package)),
        raw=_share(sum(_exists(client.with_raw_response, name) for name in names), len(names)),
        official_raw=_public_names(import_module("twelvelabs.core.http_response").AsyncHttpResponse),
        our_raw=_public_names(RawResponse),
        sync=_share(sum(_exists(TwelveLabs("key"), name) for name in names), len(names)),
    )
    recorded: dict[str, dict[str, Signature]] = json.loads(VERSIONS.read_text("utf-8"))
    return text + "".join(
        VERSION_TEMPLATE.format(version=old, rows="\n".join(_version_rows(recorded[old], official, package)))
        for old in recorded
    )


def _share(number: int, total: int) -> str:
    return f"All {total}" if number == total else f"{number} of {total}"


def _difference(name: str, official: Any, client: Any) -> str:
    official_types, package_types = _parameters(official, name), _parameters(client, name)
    notes = [
        f"no `{omitted}=`: {OMITTED_PARAMETERS[omitted]}"
        for omitted in sorted(official_types.keys() - package_types.keys())
    ]
    for parameter in sorted(official_types.keys() & package_types.keys()):
        rejected = rejected_types(official_types[parameter], package_types[parameter])
        if rejected:
            reason = OTHER_TYPES.get((name, parameter)) or OTHER_TYPES[None, parameter]
            notes.append(f"`{parameter}=`: {reason}")
    added = sorted(package_types.keys() - official_types.keys())
    notes += [f"also {', '.join(f'`{parameter}=`' for parameter in added)}"] if added else []
    return "; ".join(notes) or "the same"


def _field_rows(official: Mapping[str, Signature], package: Mapping[str, Signature]) -> Iterator[str]:
    """Return a row for each field that this package omits or types differently, with the methods that return it."""
    methods: dict[tuple[str, str, str], list[str]] = defaultdict(list)
    for name, signature in official.items():
        for path, official_type, package_type in field_differences(signature["result"], package[name]["result"]):
            methods[path, official_type, package_type].append(name)
    for (path, official_type, package_type), names in sorted(methods.items()):
        yield f"| `{path}` | {official_type} | {package_type} | {', '.join(f'`{name}`' for name in names)} |"


def field_differences(
    official: Mapping[str, Sequence[str]], package: Mapping[str, Sequence[str]]
) -> Iterator[tuple[str, str, str]]:
    """Return path, official type and type in this package of each field that is absent or has another type."""
    official_fields = _items(official) if "[]" in _roots(package) and "[]" not in _roots(official) else official
    for path, kinds in official_fields.items():
        parent = path.rpartition(".")[0]
        package_types = set(package.get(path, ()))
        if (parent and parent not in package) or any(ANYTHING in package.get(prefix, ()) for prefix in _prefixes(path)):
            continue  # the table contains the object, or the object may contain anything
        label = path.removeprefix("[]").removeprefix(".") or "the result"
        if path not in package:
            replacement = "`dict`" if f"{path}{{}}" in package else _replaced_field(path)
            yield label, _format_types(kinds, path), replacement
        elif not all(_accepts(package_types, kind) for kind in kinds):
            yield label, _format_types(kinds), _format_types(package_types)


def _replaced_field(path: str) -> str:
    """Return the replacement of a field that this package omits, or `none`."""
    return next((text for end, text in OMITTED_FIELDS.items() if path == end or path.endswith(f".{end}")), "none")


def _prefixes(path: str) -> Iterator[str]:
    """Return a path and the paths of the objects that contain it."""
    while path:
        yield path
        path = path[:-2] if path.endswith(("[]", "{}")) else path.rpartition(".")[0]


def _roots(result: Mapping[str, Sequence[str]]) -> set[str]:
    return {path.partition(".")[0] for path in result}


def _items(result: Mapping[str, Sequence[str]]) -> dict[str, Sequence[str]]:
    """Return the fields of the items of a page; this package iterates over the items."""
    return {path.removeprefix(".data"): kinds for path, kinds in result.items() if path.startswith(".data[]")}


def _format_types(kinds: Iterable[str], path: str = "") -> str:
    text = " or ".join(f"`{kind}`" for kind in sorted(kinds))
    return f"list of {text}" if path.endswith("[]") else text


def _version_rows(
    recorded: Mapping[str, Signature],
    official: Mapping[str, Signature],
    package: Mapping[str, Signature],
) -> Iterator[str]:
    """Return a row for each method of an older version that this package calls differently."""
    for name, old in recorded.items():
        target = _replacement(name)
        if target not in package:
            removed = next((text for key, text in REMOVED.items() if key in name.split(".")), f"`{target}`")
            yield f"| `{name}` | {removed} |"
            continue
        notes = [f"`{target}`"] if target != name else []
        known = set(field_differences(official[target]["result"], package[target]["result"]))
        known_notes = set(_parameter_notes(target, official[target], package[target]))
        notes += [note for note in _parameter_notes(target, old, package[target]) if note not in known_notes]
        notes += _field_notes(set(field_differences(old["result"], package[target]["result"])) - known)
        if notes:
            yield f"| `{name}` | {'; '.join(notes)} |"


def _replacement(name: str) -> str:
    """Return the replacement of a method of an older version, or an empty string."""
    head, tail = name.replace("list_pagination", "list"), ""
    while head:
        if head in OTHER_METHODS:
            return f"{OTHER_METHODS[head]}{tail}" if OTHER_METHODS[head] else ""
        head, _, last = head.rpartition(".")
        tail = f".{last}{tail}"
    return name


def _parameter_notes(name: str, old: Signature, package: Signature) -> Iterator[str]:
    package_types = package["parameters"]
    for parameter, kinds in old["parameters"].items():
        if parameter not in package_types:
            replacements = [other for other in OTHER_PARAMETERS.get(parameter, ()) if other in package_types]
            value = (
                ", with [another value](#from-older-versions)" if {(parameter, *replacements)} & OTHER_VALUES else ""
            )
            yield f"`{parameter}=` becomes `{replacements[0]}=`{value}" if replacements else f"no `{parameter}=`"
        elif not all(_accepts(set(package_types[parameter]), kind) for kind in kinds):
            reason = OTHER_TYPES.get((name, parameter)) or OTHER_TYPES.get((None, parameter))
            yield f"`{parameter}=`: {reason or _describe_types({*package_types[parameter]} - {'NoneType'})}"


def _describe_types(kinds: set[str]) -> str:
    """Format the types that a parameter accepts; types of lists are described in words."""
    items = {kind.removeprefix("list of ") for kind in kinds if kind.startswith("list of ")}
    others = {kind for kind in kinds if not kind.startswith("list of ")}
    if items and items == others:
        return f"{_format_types(others)}, or a list of these"
    if items and not others and items <= READABLE_TYPES.keys():
        *first, last = (word for item, word in READABLE_TYPES.items() if item in items)
        return "a list of " + " or ".join([", ".join(first), last] if first else [last])
    return _format_types(kinds)


def _field_notes(differences: Iterable[tuple[str, str, str]]) -> Iterator[str]:
    paths: dict[str, list[str]] = defaultdict(list)
    for path, _, package_type in sorted(differences):
        paths[package_type].append(f"`{path}`")
    changed = [
        f"{', '.join(names)} {'becomes' if len(names) == 1 else 'become'} {package_type}"
        for package_type, names in paths.items()
        if package_type != "none"
    ]
    if changed:
        yield f"in the result, {', '.join(changed)}"
    if "none" in paths:
        yield f"the result has no {', '.join(paths['none'])}"


def _signatures(client: Any, names: Iterable[str]) -> dict[str, Signature]:
    return {name: _signature(client, name) for name in names}


def _signature(client: Any, name: str) -> Signature:
    parameters = {parameter: sorted(_kinds(hint)) for parameter, hint in _parameters(client, name).items()}
    fields: dict[str, set[str]] = defaultdict(set)
    for path, kind in _fields(get_type_hints(_method(client, name)).get("return")):
        fields[path].add(kind)
    return {"parameters": parameters, "result": {path: sorted(kinds) for path, kinds in fields.items()}}


def _method(client: Any, name: str) -> Callable[..., Any]:
    member: Callable[..., Any] = reduce(getattr, name.split("."), client)
    return member if inspect.ismethod(member) else getattr(member, "create", None) or type(member).__call__


def _parameters(client: Any, name: str) -> dict[str, Any]:
    """Return the types of the parameters of a method."""
    method = _method(client, name)
    hints = get_type_hints(method)
    return {
        parameter: hints[parameter]
        for parameter, details in inspect.signature(method).parameters.items()
        if parameter in hints and parameter != "request_options" and details.kind is not details.VAR_KEYWORD
    }


def _fields(hint: Any, path: str = "", depth: int = 0) -> Iterator[tuple[str, str]]:
    """Return path and type of each field of a result: `[].clips[].start` is a field in a list of objects with lists."""
    origin, parts = get_origin(hint), get_args(hint)
    if depth > MAX_DEPTH or hint is NoneType or hint is None:
        return
    if origin in {Union, UnionType, Annotated}:
        # The official client adds Any to enumerations that may get new values.
        options = [part for part in parts if part is not Any] if origin is not Annotated else parts[:1]
        for part in options if set(options) - {NoneType} else [Any]:
            yield from _fields(part, path, depth)
    elif origin is Literal:
        yield path, "str"
    elif origin in {list, tuple, Sequence} or getattr(origin, "__name__", "") in WRAPPERS:
        yield from _fields(parts[0], f"{path}[]", depth)
    elif origin in {dict, Mapping}:
        yield from _fields(parts[1], f"{path}{{}}", depth)
    else:
        yield from _class_fields(origin or hint, path, depth)


def _class_fields(kind: Any, path: str, depth: int) -> Iterator[tuple[str, str]]:
    items = [base for base in getattr(kind, "__orig_bases__", ()) if get_args(base)]
    if kind is array:
        yield f"{path}[]", "float"
    elif inspect.isclass(kind) and issubclass(kind, RootModel):
        yield from _fields(kind.model_fields["root"].annotation, path, depth)
    elif inspect.isclass(kind) and hasattr(kind, "__aiter__") and items:
        yield from _fields(get_args(items[0])[0], f"{path}[]", depth)
    elif inspect.isclass(kind) and (issubclass(kind, BaseModel) or attrs.has(kind)):
        yield path, "object"
        for name, hint in _members(kind):
            yield from _fields(hint, f"{path}.{name}", depth + 1)
    else:
        yield path, ANYTHING if kind is Any or kind is object else str(getattr(kind, "__name__", kind))


def _members(kind: type[Any]) -> Iterator[tuple[str, Any]]:
    """Return the fields and properties of a model, with their types."""
    if issubclass(kind, BaseModel):
        yield from ((name, field.annotation) for name, field in kind.model_fields.items() if name[0] != "_")
        return
    hints = get_type_hints(kind)
    fields: tuple[Any, ...] = attrs.fields(cast("Any", kind))
    yield from ((field.name, hints[field.name]) for field in fields if field.name != "extra")
    for name, member in inspect.getmembers(kind):
        if isinstance(member, property) and member.fget:
            yield name, get_type_hints(member.fget).get("return", Any)


def _methods(client: Any, path: str = "") -> Iterator[str]:
    """Return the names of all methods of a client and of its groups."""
    for name in dir(client):
        if name.startswith("_") or name == "with_raw_response":
            continue
        member = getattr(client, name)
        if callable(member):
            yield f"{path}{name}"
        if type(member).__module__.startswith("twelvelabs") and path.count(".") < MAX_DEPTH:
            yield from _methods(member, f"{path}{name}.")


def _exists(client: Any, name: str) -> bool:
    try:
        reduce(getattr, name.split("."), client)
    except AttributeError:
        return False
    return True


def _public_names(kind: type) -> str:
    names = {name for name in dir(kind) if not name.startswith("_")}
    return ", ".join(f"`{name}`" for name in sorted(names))


def _is_group(client: Any, name: str) -> bool:
    member = reduce(getattr, name.split("."), client)
    return not inspect.ismethod(member)


def rejected_types(official_types: Any, package_types: Any) -> set[str]:
    """Return the types that the first annotation has and the second does not accept."""
    accepted = _kinds(package_types)
    return {kind for kind in _kinds(official_types) if not _accepts(accepted, kind)}


def _accepts(accepted: set[str], kind: str) -> bool:
    outer, _, inner = kind.partition(" of ")
    if kind in accepted or ANYTHING in accepted or (kind[0] == "'" and "str" in accepted):
        return True
    if kind == "int":
        return "float" in accepted
    within = {other.partition(" of ")[2] for other in accepted if other.partition(" of ")[0] == outer}
    return bool(inner) and _accepts(within, inner)


def _kinds(hint: Any) -> set[str]:
    """Return the types that an annotation accepts, such as `str`, `'visual'`, `list of str` or `file`."""
    origin, parts = get_origin(hint), get_args(hint)
    if origin in {Union, UnionType, Annotated}:
        # The official client adds Any to enumerations that may get new values.
        options = [part for part in parts if part is not Any] if origin is not Annotated else parts[:1]
        return set[str]().union(*map(_kinds, options))
    if origin is Literal:
        return {repr(value) for value in parts}
    for outer, kinds, position in (("list", {list, Sequence}, 0), ("dict", {dict, Mapping}, -1)):
        if origin in kinds:
            return {f"{outer} of {inner}" for inner in _kinds(parts[position])}
    if is_typeddict(hint):
        return {f"dict of {ANYTHING}"}
    name = str(getattr(origin or hint, "__name__", hint))
    if origin in FILES or hint in FILES or name in FILE_PROTOCOLS:
        return {"file"}
    if hint is Any or (isinstance(hint, type) and issubclass(hint, BaseModel)) or hint is SupportsModelDump:
        return {ANYTHING if hint is Any else "object"}
    return {name}


def record() -> None:
    """Add the signatures of the installed version of the official client to the data of older versions."""
    recorded: dict[str, dict[str, Signature]] = {}
    if VERSIONS.exists():
        recorded.update(json.loads(VERSIONS.read_text("utf-8")))
    client = getattr(twelvelabs, "AsyncTwelveLabs", twelvelabs.TwelveLabs)(api_key="key")
    names = [name for name in _methods(client) if not _is_group(client, name)]
    recorded[version("twelvelabs")] = _signatures(client, names)
    VERSIONS.write_text(_dump(recorded), "utf-8")


def _dump(recorded: Mapping[str, Mapping[str, Signature]]) -> str:
    """Return JSON with one line for each method."""
    versions = [
        f'"{number}": {{\n'
        + ",\n".join(f'"{name}": {json.dumps(signature)}' for name, signature in methods.items())
        + "\n}"
        for number, methods in sorted(recorded.items())
    ]
    return "{\n" + ",\n".join(versions) + "\n}\n"


if __name__ == "__main__":
    if sys.argv[1:] == ["--record"]:
        record()
    else:
        PAGE.write_text(page(), "utf-8")
