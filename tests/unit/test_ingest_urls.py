"""URLs that differ only in their signature are recognized as the same file."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twelvelabs_async.ingest._remote_sources import filename_from_url, redact_url, url_problem

MD5 = "0123456789abcdef" * 2

SIGNED = {
    "S3 v4": "https://b.s3.amazonaws.com/a.mp4?versionId=7&X-Amz-Algorithm=x&X-Amz-Credential=k&X-Amz-Date={0}&X-Amz-Signature={1}",
    "S3 v2": "https://b.s3.amazonaws.com/a.mp4?AWSAccessKeyId=k&Expires={0}&Signature={1}",
    "GCS v4": "https://storage.googleapis.com/b/a.mp4?X-Goog-Credential=k&X-Goog-Date={0}&X-Goog-Signature={1}",
    "GCS v2": "https://storage.googleapis.com/b/a.mp4?GoogleAccessId=k&Expires={0}&Signature={1}",
    "CloudFront": "https://d1.cloudfront.net/a.mp4?Expires={0}&Signature={1}&Key-Pair-Id=K",
    "CloudFront policy": "https://d1.cloudfront.net/a.mp4?Policy={0}&Signature={1}&Key-Pair-Id=K",
    "Azure": "https://a.blob.core.windows.net/c/a.mp4?sv=2024-11-04&st={0}&se=2026&sr=b&sp=r&sig={1}%3D",
    "OSS v1": "https://b.oss-cn.aliyuncs.com/a.mp4?OSSAccessKeyId=k&Expires={0}&Signature={1}",
    "OSS v4": "https://b.oss-cn.aliyuncs.com/a.mp4?x-oss-credential=k&x-oss-date={0}&x-oss-signature={1}",
    "COS": "https://b.cos.x.myqcloud.com/a.mp4?q-sign-algorithm=sha1&q-ak=k&q-sign-time={0}&q-signature={1}",
    "B2": "https://f0.backblazeb2.com/file/b/a.mp4?Authorization={0}{1}",
    "Akamai": "https://x.akamaized.net/a.mp4?hdnts=exp={0}~hmac={1}",
    "nginx": "https://h.example/a.mp4?expires={0}&md5={1}",
    "Alibaba CDN": f"https://h.example/a.mp4?auth_key=170000000{{0}}-0-0-{MD5[:-1]}{{1}}",
    "Bunny": f"https://x.b-cdn.net/a.mp4?token={MD5}{{1}}&expires=170000000{{0}}",
}


@pytest.mark.parametrize("scheme", SIGNED)
def test_urls_that_differ_only_in_the_signature_are_equal(scheme: str) -> None:
    first, second = (SIGNED[scheme].format(*values) for values in ((1, "a"), (2, "b")))
    assert redact_url(first) == redact_url(second)
    assert redact_url(first) != redact_url(first.replace("/a.mp4", "/b.mp4"))
    assert redact_url(first) != redact_url(first + "&part=2")


@pytest.mark.parametrize(
    "query",
    [
        *(
            "token={}",
            "st={}",
            "se={}",
            "sp={}",
            "sr={}",
            "sv={}",
            "sig={}",
            "expires={}",
            "policy={}",
            "md5={}",
            "e={}",
        ),
        *(
            "signature={}&id=1",
            "sv={}&st=1",
            "expires={}&signature=1",
            "key-pair-id={}",
            "token={}&expires=1",
            "hdnts={}",
        ),
        *("Authorization={}", "x-amz-date={}", "x-amz-meta-id={}", "q-ak={}", "auth_key={}", "verify={}", "a=%f{}"),
    ],
)
def test_parameters_that_are_not_a_complete_signature_distinguish_urls(query: str) -> None:
    first, second = (f"https://media.example/download?{query.format(value)}" for value in "ab")
    assert redact_url(first) != redact_url(second)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("https://e.com/a?x=1&x=2", "https://e.com/a?x=2&x=1"),
        ("https://e.com/#/a", "https://e.com/#/b"),
        ("https://one@e.com/a", "https://two@e.com/a"),
        ("https://e.com/a", "https://e.com/A"),
        ("https://e.com/a", "https://e.com:8443/a"),
        ("https://[::1/a", "https://[::1/b"),
        ("https://e.com/a?b", "https://e.com/a?b="),
    ],
)
def test_urls_that_differ_in_any_other_part_are_different(first: str, second: str) -> None:
    assert redact_url(first) != redact_url(second)


def test_parameter_order_host_case_and_password_are_ignored() -> None:
    assert redact_url("https://E.com/a?x=1&y=2") == redact_url("HTTPS://e.com/a?y=2&x=1")
    assert redact_url("https://u:one@e.com/a") == redact_url("https://u:two@e.com/a")


@pytest.mark.parametrize(
    "url", ["https://", "https://[::1/a.mp4", "https://e.com:99999/a", "https://e.com/\udcff", "http://e.com/\n"]
)
def test_a_url_that_cannot_be_requested_is_a_problem(url: str) -> None:
    assert url_problem(url).startswith("not a valid URL")


def test_the_filename_is_taken_from_the_path_of_the_url() -> None:
    assert filename_from_url("https://e.com/a%2Fb%20c.mp4?x=/d.mp4") == "b c.mp4"
    assert filename_from_url("https://e.com/") == ""


@given(st.text(), st.text())
def test_a_redacted_url_contains_no_secret_and_any_string_can_be_redacted(user: str, rest: str) -> None:
    redact_url(rest)
    secret = "https://" + user.replace("/", "") + ":s3cr3t@e.com/a?x-amz-credential=s3cr3t&x-amz-signature=s3cr3t"
    assert "s3cr3t" not in redact_url(secret)
