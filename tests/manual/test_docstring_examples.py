"""Runs the example in the docstring of every public method and function."""

from __future__ import annotations

import ast
import asyncio
import builtins
import importlib
import inspect
import re
import textwrap
import tomllib
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any, Final

import attrs
import pytest
from postgres import PostgresServer, postgres
from scenarios.setup import CHUNK, FILES, REDIRECT_URI, Harness
from shared import reset_after_use
from support import FastClock

import twelvelabs_async
from twelvelabs_async import AsyncTwelveLabs, errors, models
from twelvelabs_async._cli.demo import SAMPLE_VIDEOS
from twelvelabs_async._sync_client import synchronous_text
from twelvelabs_async.emulator import Emulator, Timing, samples

DOCS: Final = Path(__file__).parents[2] / "docs"
MODULES: Final = tomllib.loads((DOCS / "public.toml").read_text("utf-8"))["modules"]
OPERATIONS: Final = tomllib.loads((DOCS.parent / "tests" / "data" / "operations.toml").read_text("utf-8"))
EXAMPLE: Final = "Example:\n"
CLIP: Final = SAMPLE_VIDEOS / "sailing-boat-at-sunset.mp4"
EXTRAS: Final = {"frames": "PIL", "tables": "arro3", "workers": "psycopg", "otel": "opentelemetry"}
"""Modules that need an optional package; their examples are skipped without it."""


def public_objects() -> Iterator[tuple[str, Any]]:
    """Yield each public object with its module and name."""
    for module in MODULES:
        owner_module = importlib.import_module(f"twelvelabs_async.{module['name']}")
        for name in (*module.get("top", ()), *module.get("names", ())):
            yield f"{module['name']}.{name}", getattr(owner_module, name)


def methods_of(owner: type) -> Iterator[tuple[str, Any]]:
    """Yield the methods that a class defines, without aliases."""
    functions: dict[Any, str] = {}
    for name, member in vars(owner).items():
        function = getattr(member, "__func__", member)
        if inspect.isfunction(function) and (name == "__call__" or not name.startswith("_")):
            functions.setdefault(function, name)
    for function, name in functions.items():
        yield name, function


def documented_objects() -> Iterator[tuple[str, Any, bool]]:
    """Yield each public class, method and function, and whether it needs an example."""
    for path, member in public_objects():
        if isinstance(member, type):
            yield path, member, path in CALLED_BY_OTHERS
            needs_examples = path not in CALLED_BY_OTHERS | FOR_TYPES_ONLY
            for name, method in methods_of(member):
                is_alias = (method.__doc__ or "").startswith("The same as `")
                is_called = f"{path}.{name}" not in CALLED_BY_THE_EMULATOR
                yield f"{path}.{name}", method, needs_examples and is_called and not is_alias
        elif inspect.isfunction(member):
            yield path, member, True


CALLED_BY_OTHERS: Final = {
    f"{module}.{name}"
    for module, namespace in {
        "clock": ["Clock", "SystemClock"],
        "rate_limits": ["RateLimitStore"],
        "ingest": ["EntryStore", "Ledger", "MemoryLedger", "SqliteLedger"],
        "ingest.postgres_ledger": ["PostgresLedger"],
        "emulator": ["Clock", "AdjustableClock"],
        "emulator.virtual_time": ["LoopClock"],
    }.items()
    for name in namespace
}
"""Classes whose methods the client or the emulator calls; only the class has an example."""

CALLED_BY_THE_EMULATOR: Final = {
    f"emulator.{owner}.{method}"
    for owner, methods in {
        "Delivery": ["to_json"],
        "Fault": ["trigger", "undo_hit"],
        "Faults": ["trigger"],
        "RequestLog": ["append"],
        "SystemClock": ["time", "monotonic", "sleep"],
        "Timing": ["for_media"],
        "Webhooks": ["has_recorded", "record", "delivery_status"],
    }.items()
    for method in methods
}
"""Methods that programs do not call."""

FOR_TYPES_ONLY: Final = {"models.common.SupportsModelDump"}
"""Protocols whose methods are defined elsewhere."""

DOCUMENTED: Final = {path: (member, needs_example) for path, member, needs_example in documented_objects()}


def example_of(documented_object: Any) -> str:
    """Return the code below `Example:`."""
    _, _, code = inspect.cleandoc(documented_object.__doc__ or "").partition(EXAMPLE)
    return textwrap.dedent(code)


EXAMPLES: Final = {path: code for path, (member, _) in DOCUMENTED.items() if (code := example_of(member))}


class ExampleObjects:
    """Objects that examples refer to by name; the method `make_NAME` creates the object `NAME`."""

    def __init__(self, harness: Harness, empty_database: Callable[[], str]) -> None:
        self.harness = harness
        self.empty_database = empty_database
        self.client, self.emulator = harness.client, harness.emulator

    async def get(self, name: str) -> Any:
        """Return the object with this name; it is created on first use."""
        if name not in vars(self):
            setattr(self, name, await getattr(self, f"make_{name}")())
        return getattr(self, name)

    async def make_index(self) -> Any:
        index = await self.harness.create_index()
        self.emulator.describe("sailing.mp4", [(0, 10, "a boat at sunset")])
        self.indexed_asset = await self.client.indexes.indexed_assets.create(
            index, asset_id=(await self.get("asset")).id
        )
        return await self.client.indexes.retrieve(index)

    async def make_asset(self) -> Any:
        return await self.client.assets.retrieve(await self.harness.create_asset("sailing.mp4"))

    async def make_image(self) -> Any:
        return await self.client.assets.retrieve(await self.harness.create_image())

    async def make_indexed_asset(self) -> Any:
        await self.get("index")
        return self.indexed_asset

    async def make_indexing_task(self) -> Any:
        with pytest.deprecated_call():
            return await self.client.tasks.create(index_id=(await self.get("index")).id, video_file=samples.video(12))

    async def make_page_token(self) -> Any:
        index = await self.get("index")
        await self.harness.create_indexed_asset(index.id, "boat-2.mp4")
        result = await self.client.search.create(
            index_id=index.id, search_options=["visual"], query_text="a boat", group_by="video", page_limit=1
        )
        return result.page_info.next_page_token

    async def make_upload(self) -> Any:
        return await self.harness.create_upload()

    async def make_chunk(self) -> Any:
        return await self.harness.upload_first_part(await self.get("upload"))

    async def make_complete_upload(self) -> Any:
        upload = await self.client.multipart_upload.create(filename="boat.mp4", type="video", total_size=CHUNK)
        chunk = await self.harness.upload_first_part(upload)
        await self.client.multipart_upload.report_chunk_batch(upload.upload_id, completed_chunks=[chunk])
        return upload

    async def make_task(self) -> Any:
        video = models.VideoAsset(asset_id=(await self.get("asset")).id)
        return await self.client.analyze_async.tasks.create(video=video, prompt="What happens?")

    async def make_finished_task(self) -> Any:
        return await self.client.analyze_async.tasks.wait_for_done((await self.get("task")).id)

    async def make_batch(self) -> Any:
        return await self.client.analyze_async.batches.create(
            model_name="pegasus1.5",
            analysis_mode="general",
            defaults={"prompt": {"input_text": "What happens?"}},
            requests=[{"video": models.VideoAsset(asset_id=(await self.get("asset")).id)}],
        )

    async def make_finished_batch(self) -> Any:
        return await self.client.analyze_async.batches.wait_for_done((await self.get("batch")).id)

    async def make_embedding_task(self) -> Any:
        video = {"media_source": {"asset_id": (await self.get("asset")).id}}
        return await self.client.embed.v_2.tasks.create(input_type="video", model_name="marengo3.0", video=video)

    async def make_old_embedding_task(self) -> Any:
        with pytest.deprecated_call():
            return await self.client.embed.tasks.create(model_name="marengo3.0", video_file=samples.video(12))

    async def make_collection(self) -> Any:
        return await self.client.entity_collections.retrieve(await self.harness.create_entity_collection())

    async def make_entity(self) -> Any:
        collection = await self.get("collection")
        entity = await self.harness.create_entity(collection.id)
        return await self.client.entity_collections.entities.retrieve(collection.id, entity)

    async def make_store(self) -> Any:
        return await self.client.knowledge_stores.retrieve(await self.harness.create_store())

    async def make_item(self) -> Any:
        store = await self.get("store")
        return await self.client.knowledge_store_items.create(store.id, asset_id=(await self.get("asset")).id)

    async def make_item_collection(self) -> Any:
        return await self.client.knowledge_store_item_collections.create((await self.get("store")).id, name="Best")

    async def make_connection(self) -> Any:
        return self.emulator.connect(files={"film": "film.mp4", "song": "song.mp3"})

    async def make_redirect_uri(self) -> Any:
        return await self.client.data_connectors.create_redirect_uri(redirect_uri=REDIRECT_URI)

    async def make_ledger_url(self) -> Any:
        return self.empty_database()

    async def make_started_import(self) -> Any:
        return await self.client.imports.import_files((await self.get("connection")).id, items=[*FILES])


NAMES: Final = {"client", "emulator", *(name[5:] for name in vars(ExampleObjects) if name.startswith("make_"))}
BLOCKING: Final = re.compile(r"\bTwelveLabs\(|ThreadedEmulator\(|virtual_time\.run\(")
LIBRARY: Final = {
    **{name: getattr(owner_module, name) for owner_module in (models, twelvelabs_async) for name in dir(owner_module)},
    "asyncio": asyncio,
    "attrs": attrs,
    "Path": Path,
}
"""Names that an example does not import: those of the package and its models, and some modules."""


def names_in(code: str) -> set[str]:
    """Return the names that code reads."""
    return {node.id for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Name)}


async def run_example(code: str, path: str, namespace: dict[str, Any]) -> None:
    """Run the code of an example, in a thread if it blocks."""
    compiled = compile(code, path, "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    if compiled.co_flags & inspect.CO_COROUTINE:
        await eval(compiled, namespace)  # noqa: S307  # code of this repository
    elif BLOCKING.search(code):
        await asyncio.to_thread(exec, compiled, namespace)
    else:
        exec(compiled, namespace)  # noqa: S102  # code of this repository


def printed_values(code: str) -> list[str]:
    """Return the values that comments after `print` show."""
    return re.findall(r"print\(.*\)  # ([^,\n]+)$", code, flags=re.MULTILINE)


@pytest.fixture(scope="module")
async def shared_emulator() -> AsyncIterator[Emulator]:
    """An emulator that finishes an analysis after one poll."""
    async with Emulator(timing=Timing(asset=0, indexing=0, polls=1), chunk_size=CHUNK) as running:
        yield running


@pytest.fixture(scope="module")
def database() -> Iterator[PostgresServer]:
    """A PostgreSQL server for the examples of workers."""
    with postgres() as server:
        yield server


@pytest.fixture(scope="module")
def media_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the files that examples refer to."""
    folder = tmp_path_factory.mktemp("media")
    (folder / "holiday").mkdir()
    for path in ("holiday.mp4", "beach.mp4", "holiday/first.mp4", "holiday/second.mp4"):
        (folder / path).write_bytes(samples.video(12))
    (folder / "sailing.mp4").write_bytes(CLIP.read_bytes())
    (folder / "beach.png").write_bytes(samples.image())
    return folder


@pytest.fixture
async def prepared(
    shared_emulator: Emulator, media_folder: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> AsyncIterator[ExampleObjects]:
    """The objects that examples refer to, in the emulator of the module after a reset."""
    monkeypatch.chdir(media_folder)
    monkeypatch.setenv("TWELVELABS_API_KEY", shared_emulator.api_key)
    monkeypatch.setenv("TWELVELABS_BASE_URL", shared_emulator.base_url)
    clock = FastClock()
    async with reset_after_use(shared_emulator) as emulator, AsyncTwelveLabs(clock=clock) as client:
        harness = Harness(client=client, emulator=emulator, clock=clock)
        yield ExampleObjects(harness, lambda: request.getfixturevalue("database").reset_database())


@pytest.mark.filterwarnings("ignore:deprecated by Twelve Labs:DeprecationWarning")
@pytest.mark.parametrize("path", EXAMPLES)
async def test_the_example_runs(path: str, prepared: ExampleObjects, capsys: pytest.CaptureFixture[str]) -> None:
    """Comments after `print(...)` show the output."""
    code = EXAMPLES[path]
    if package := EXTRAS.get(path.partition(".")[0]):
        pytest.importorskip(package)
    namespace = {name: await prepared.get(name) for name in names_in(code) & NAMES}
    await run_example(code, path, LIBRARY | namespace)
    lines = capsys.readouterr().out.splitlines()
    assert [value for value in printed_values(code) if value not in lines] == []


def test_every_public_method_and_function_has_an_example() -> None:
    missing = [path for path, (_, needs_example) in DOCUMENTED.items() if needs_example and path not in EXAMPLES]
    assert missing == []


@pytest.mark.parametrize("name", OPERATIONS)
def test_the_docstring_of_a_method_names_its_operation(name: str) -> None:
    method: Any = AsyncTwelveLabs("key")
    for part in name.split("."):
        method = getattr(method, part)
    docstring = inspect.getdoc(method if inspect.ismethod(method) else method.create) or ""
    assert f"\nAPI: `{OPERATIONS[name]['call']}`" in docstring


def test_every_method_of_a_resource_documents_its_errors() -> None:
    methods = {path: member for path, (member, needs) in DOCUMENTED.items() if needs and path.startswith("resources.")}
    assert [path for path, method in methods.items() if "Raises:\n" not in (method.__doc__ or "")] == []


def test_documented_exceptions_exist() -> None:
    """Each is an exception of the package or of Python, and is documented once per object."""
    known = {
        name
        for owner_module in (errors, builtins)
        for name, member in vars(owner_module).items()
        if inspect.isclass(member)
    }
    unknown: list[str] = []
    for path, (member, _) in DOCUMENTED.items():
        _, _, section = inspect.cleandoc(member.__doc__ or "").partition("Raises:\n")
        raised = re.findall(r"^    (\w+): ", section.partition("\n\n")[0], flags=re.MULTILINE)
        unknown += [f"{path}: {name}" for name in raised if name not in known or raised.count(name) > 1]
    assert unknown == []


def test_resource_examples_are_valid_python_without_await() -> None:
    """`TwelveLabs` shows the examples without await."""
    for path, code in EXAMPLES.items():
        if path.startswith("resources."):
            compile(synchronous_text(code) or "", path, "exec")
