"""`TwelveLabs` in Flask, Django, Streamlit, Celery and a notebook; `nox -s recipes` installs these."""

from __future__ import annotations

import asyncio
import io
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from twelvelabs_async import ClientStateError, TwelveLabs
from twelvelabs_async._cli.demo import SAMPLE_VIDEOS
from twelvelabs_async.emulator import ThreadedEmulator, Timing

pytestmark = [
    pytest.mark.recipe,
    pytest.mark.filterwarnings("default"),  # for warnings of the frameworks
]
VIDEO = (SAMPLE_VIDEOS / "sailing-boat-at-sunset.mp4").read_bytes()


@pytest.fixture
def emulator(monkeypatch: pytest.MonkeyPatch) -> Iterator[ThreadedEmulator]:
    with ThreadedEmulator(timing=Timing(asset=0, indexing=0)) as running:
        monkeypatch.setenv("TWELVELABS_API_KEY", running.api_key)
        monkeypatch.setenv("TWELVELABS_BASE_URL", running.base_url)
        yield running


@pytest.fixture
def client(emulator: ThreadedEmulator) -> Iterator[TwelveLabs]:
    del emulator
    with TwelveLabs() as opened:
        yield opened


def test_flask_uploads_the_file_sent_by_a_browser(client: TwelveLabs) -> None:
    flask: Any = pytest.importorskip("flask")
    app = flask.Flask("recipe")

    def upload() -> dict[str, str]:
        uploaded = flask.request.files["video"]
        return {"id": client.assets.upload(uploaded.stream, filename=uploaded.filename).id}

    app.add_url_rule("/videos", view_func=upload, methods=["POST"])
    with app.test_client() as browser:
        response = browser.post("/videos", data={"video": (io.BytesIO(VIDEO), "sailing.mp4")})
    assert client.assets.retrieve(response.json["id"]).filename == "sailing.mp4"


def test_django_views_use_the_client(client: TwelveLabs) -> None:
    django: Any = pytest.importorskip("django")
    http, testing = pytest.importorskip("django.http"), pytest.importorskip("django.test")
    pytest.importorskip("django.conf").settings.configure(DEBUG=False, ALLOWED_HOSTS=["*"])
    django.setup()

    def view(_request: Any) -> Any:
        return http.JsonResponse({"total": client.indexes.list().total})

    async def asynchronous_view(_request: Any) -> Any:
        return view(_request)

    assert view(testing.RequestFactory().get("/")).content == b'{"total": 0}'
    with pytest.raises(ClientStateError, match="asynchronous_view"):
        asyncio.run(asynchronous_view(testing.AsyncRequestFactory().get("/")))


def test_streamlit_keeps_the_client_between_runs(emulator: ThreadedEmulator) -> None:
    testing: Any = pytest.importorskip("streamlit.testing.v1")
    page = testing.AppTest.from_string(
        """
import streamlit as st
from twelvelabs_async import TwelveLabs

@st.cache_resource
def get_client():
    return TwelveLabs()

name = st.text_input("Name")
if name:
    get_client().indexes.ensure(name, [{"model_name": "marengo3.0", "model_options": ["visual"]}])
st.write(f"{get_client().indexes.list().total} indexes")
""",
        default_timeout=120,
    )
    page.run()
    assert [text.value for text in page.markdown] == ["0 indexes"]
    page.text_input[0].set_value("holiday").run()
    assert [text.value for text in page.markdown] == ["1 indexes"]
    assert not page.exception
    assert {request.status for request in emulator.requests} <= {200, 201}


def test_pandas_accepts_models_as_rows(client: TwelveLabs) -> None:
    pandas: Any = pytest.importorskip("pandas")
    client.indexes.ensure("holiday", [{"model_name": "marengo3.0", "model_options": ["visual"]}])
    table = pandas.DataFrame([index.to_dict() for index in client.indexes.list()])
    assert list(table["index_name"]) == ["holiday"]


CELERY_TASKS = """
from celery import Celery
from twelvelabs_async import TwelveLabs

client = TwelveLabs()
client.indexes.list()  # before the fork
app = Celery("tasks", broker="filesystem://", backend="file://{folder}/results")
app.conf.broker_transport_options = {{
    "data_folder_in": "{folder}/queue", "data_folder_out": "{folder}/queue", "control_folder": "{folder}/control",
}}

@app.task
def create(name):
    client.indexes.create(index_name=name, models=[{{"model_name": "marengo3.0", "model_options": ["visual"]}}])
    return client.indexes.list().total
"""


def test_celery_workers_use_a_client_created_before_the_fork(
    emulator: ThreadedEmulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("celery")
    for name in ("queue", "results", "control"):
        (tmp_path / name).mkdir()
    (tmp_path / "tasks.py").write_text(CELERY_TASKS.format(folder=tmp_path))
    monkeypatch.chdir(tmp_path)
    command = [sys.executable, "-m", "celery", "-A", "tasks", "worker", "--pool", "prefork", "-c", "2", "-l", "warning"]
    with subprocess.Popen(command, cwd=tmp_path) as worker:  # noqa: S603  # a fixed command
        try:
            send = (
                "from tasks import create\n"
                "sent = [create.delay(f'index {number}') for number in range(6)]\n"
                "print(max(one.get(timeout=120) for one in sent))"
            )
            completed = subprocess.run([sys.executable, "-c", send], capture_output=True, text=True, check=True)  # noqa: S603
        finally:
            worker.terminate()
    assert completed.stdout.strip() == "6"
    assert len(emulator.requests.for_operation("POST /indexes")) == 6


def test_a_notebook_uses_both_clients(emulator: ThreadedEmulator) -> None:
    del emulator
    nbclient: Any = pytest.importorskip("nbclient")
    nbformat: Any = pytest.importorskip("nbformat")
    cells = [
        "from twelvelabs_async import AsyncTwelveLabs, TwelveLabs\nclient = TwelveLabs()",
        "client.indexes.ensure('holiday', [{'model_name': 'marengo3.0', 'model_options': ['visual']}])\nNone",
        "print([index.index_name for index in client.indexes.list()])",
        "async with AsyncTwelveLabs() as asynchronous:\n    print((await asynchronous.indexes.list()).total)",
        "import asyncio\nawait asyncio.sleep(0)\nprint(client.indexes.list().total)",
        "client.indexes.list()",
    ]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    nbclient.NotebookClient(notebook, timeout=120, kernel_name="python3").execute()
    *outputs, table = [output for cell in notebook.cells for output in cell.outputs]
    assert [output["text"].strip() for output in outputs] == ["['holiday']", "1", "1"]
    assert "<td>holiday</td>" in table["data"]["text/html"]
