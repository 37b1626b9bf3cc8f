"""An S3 server for tests, in a subprocess."""

from __future__ import annotations

import subprocess
import sys
import urllib.request
from collections.abc import Generator
from contextlib import contextmanager
from typing import Final

import attrs
import obstore
from obstore.store import S3Store

SERVER_PROGRAM: Final = """
import sys
from moto.server import ThreadedMotoServer

server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
server.start()
print("http://%s:%s" % server.get_host_and_port(), flush=True)
sys.stdin.read()
server.stop()
"""

ACCESS_KEY: Final = "AKIAEXAMPLEACCESSKEY"
SECRET_KEY: Final = "example-secret-of-the-bucket"


@attrs.frozen
class BucketServer:
    """A server with the API of Amazon S3."""

    url: str

    @property
    def environment(self) -> dict[str, str]:
        """Environment variables that configure clients for the server."""
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": ACCESS_KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
            "AWS_REGION": "us-east-1",
        }

    def create_bucket(self, name: str) -> None:
        """Create a bucket."""
        self._request("PUT", f"/{name}")

    def put(self, bucket: str, key: str, content: bytes) -> None:
        """Create or replace an object."""
        obstore.put(self._store(bucket), key, content)

    def delete(self, bucket: str, key: str) -> None:
        """Delete an object."""
        obstore.delete(self._store(bucket), key)

    def _store(self, bucket: str) -> S3Store:
        return S3Store(
            bucket,
            endpoint=self.url,
            access_key_id=ACCESS_KEY,
            secret_access_key=SECRET_KEY,
            region="us-east-1",
            client_options={"allow_http": True},
        )

    def reset(self) -> None:
        """Delete everything."""
        self._request("POST", "/moto-api/reset")

    def _request(self, method: str, path: str) -> None:
        request = urllib.request.Request(self.url + path, method=method)  # noqa: S310  # a local URL
        with urllib.request.urlopen(request) as response:  # noqa: S310  # a local URL
            response.read()


@contextmanager
def bucket_server() -> Generator[BucketServer]:
    """Run a server and stop it at the end."""
    command, pipe = [sys.executable, "-c", SERVER_PROGRAM], subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, text=True) as process:  # noqa: S603  # a fixed command
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            yield BucketServer(process.stdout.readline().strip())
        finally:
            process.stdin.close()
            process.wait()
