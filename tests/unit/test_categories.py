from __future__ import annotations

from typing import Any

import pytest

from twelvelabs_async._rate_limit.usage import category_of
from twelvelabs_async.requests import FilePart, Form, Method, Request


def make_request(method: Method, template: str, **content: Any) -> Request[Any]:
    return Request(method=method, path_template=template, response_type=dict, retry_class="safe", **content)


@pytest.mark.parametrize(
    ("method", "template", "category"),
    [
        ("POST", "/tasks", "index"),
        ("POST", "/indexes/{index-id}/indexed-assets", "index"),
        ("POST", "/assets", "upload"),
        ("POST", "/search", "search"),
        ("POST", "/analyze", "analyze"),
        ("POST", "/embed/tasks", "embed-video"),
        ("GET", "/search/{page-token}", "GET /search/{page-token}"),
        ("GET", "/assets", "GET /assets"),
        ("GET", "/embed-v2/tasks", "GET /embed-v2/tasks"),
        ("POST", "/embed-v2", "POST /embed-v2"),
    ],
)
def test_p4_operations_that_share_a_limit_share_a_category(method: Method, template: str, category: str) -> None:
    assert category_of(make_request(method, template)) == category


@pytest.mark.parametrize("template", ["/embed-v2", "/embed-v2/tasks"])
@pytest.mark.parametrize(
    ("body", "category"),
    [
        ({"input_type": "text"}, "embed-text"),
        ({"input_type": "image"}, "embed-image"),
        ({"input_type": "text_image"}, "embed-text-image"),
        ({"input_type": "audio"}, "embed-audio"),
        ({"input_type": "video"}, "embed-video"),
        ({"input_type": "document"}, "embed-document"),
        ({"input_type": "multi_input", "multi_input": {"input_text": "a dog"}}, "embed-text"),
        (
            {
                "input_type": "multi_input",
                "multi_input": {"media_sources": [{"media_type": "image"}, {"media_type": "video"}]},
            },
            "embed-video",
        ),
    ],
)
def test_the_category_of_an_embedding_depends_on_its_input_type(
    template: str, body: dict[str, Any], category: str
) -> None:
    assert category_of(make_request("POST", template, json=body)) == category


@pytest.mark.parametrize("body", [None, [], "text", {"multi_input": 3}, {"multi_input": {"media_sources": [3, None]}}])
def test_an_invalid_body_still_has_a_category(body: Any) -> None:
    """The server rejects it."""
    assert category_of(make_request("POST", "/embed-v2", json=body)) == "POST /embed-v2"


def test_a_form_with_text_and_audio_has_the_category_of_audio() -> None:
    file = FilePart(name="audio_file", filename="a.mp3", content=b"", size=0)
    assert (
        category_of(make_request("POST", "/embed", form=Form.build(model_name="marengo3.0", text="a dog")))
        == "embed-text"
    )
    assert category_of(make_request("POST", "/embed", form=Form.build([file], text="a dog"))) == "embed-audio"
