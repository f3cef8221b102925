"""A SeaweedFS of its own for a test run: an S3 server on loopback, with one bucket."""

import json
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Self

import msgspec
import obstore
import trustme
from obstore.exceptions import BaseError
from obstore.store import S3Store

from halfdoor.store.blobs.bucket import BucketPlace

ACCESS, SECRET = "halfdoor-tests", "no secret at all"
BUCKET = "halfdoor"
_READY_SECONDS = 60.0


class S3Server:
    """Started once, stopped at the end; nothing of it is left."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="halfdoor-s3-"))
        self.master, self.volume, self.filer, self.port, self.tls_port = _ports(5)
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def place(self) -> BucketPlace:
        """Where the bucket is."""
        return BucketPlace(
            endpoint=f"http://127.0.0.1:{self.port}",
            bucket=BUCKET,
            region="us-east-1",
            access_key=ACCESS,
            secret_key=SECRET,
        )

    @property
    def place_by_tls(self) -> BucketPlace:
        """Where the bucket is by TLS, with who vouches for it."""
        return msgspec.structs.replace(
            self.place,
            endpoint=f"https://localhost:{self.tls_port}",
            ca_file=self.folder / "ca.pem",
        )

    def start(self) -> Self:
        """Start it and wait until it takes an object, which is later than its ports open."""
        config = self.folder / "s3.json"
        key = {"accessKey": ACCESS, "secretKey": SECRET}
        actions = ["Admin", "Read", "Write", "List", "Tagging"]
        config.write_text(
            json.dumps({"identities": [{"name": "t", "credentials": [key], "actions": actions}]})
        )
        (self.folder / "data").mkdir()
        authority = trustme.CA()
        authority.cert_pem.write_to_path(self.folder / "ca.pem")
        made = authority.issue_cert("localhost")
        made.cert_chain_pems[0].write_to_path(self.folder / "cert.pem")
        made.private_key_pem.write_to_path(self.folder / "key.pem")
        weed = Path(sys.executable).with_name("weed")
        with (self.folder / "log").open("wb") as log:
            self.process = subprocess.Popen(
                [
                    weed,
                    "server",
                    "-ip=127.0.0.1",
                    "-ip.bind=127.0.0.1",
                    f"-dir={self.folder / 'data'}",
                    f"-master.port={self.master}",
                    f"-volume.port={self.volume}",
                    f"-filer.port={self.filer}",
                    f"-s3.port={self.port}",
                    "-master.telemetry=false",
                    "-master.volumeSizeLimitMB=64",
                    "-volume.max=20",
                    "-filer",
                    "-s3",
                    f"-s3.port.https={self.tls_port}",
                    f"-s3.cert.file={self.folder / 'cert.pem'}",
                    f"-s3.key.file={self.folder / 'key.pem'}",
                    "-s3.port.iceberg=0",
                    "-s3.port.lance=0",
                    f"-s3.localSocket={self.folder / 's3.sock'}",
                    f"-filer.localSocket={self.folder / 'filer.sock'}",
                    f"-s3.config={config}",
                ],
                stdout=log,
                stderr=log,
            )
        try:
            self._wait()
        except BaseException:
            self.stop()
            raise
        return self

    def _wait(self) -> None:
        until = time.monotonic() + _READY_SECONDS
        # A bucket is a folder of the filer; an object in it is the proof that all parts answer.
        while True:
            try:
                self._make_bucket()
                obstore.put(self._store(), "ready", b"1")
            except (BaseError, OSError):
                if time.monotonic() > until:
                    raise
                time.sleep(0.3)
            else:
                return

    def _make_bucket(self) -> None:
        with socket.create_connection(("127.0.0.1", self.filer), timeout=2) as line:
            line.sendall(
                f"POST /buckets/{BUCKET}/ HTTP/1.1\r\nHost: 127.0.0.1\r\n"
                "Content-Length: 0\r\nConnection: close\r\n\r\n".encode()
            )
            # 409: an earlier attempt made it.
            answer = line.recv(64)
            if b" 20" not in answer and b" 409" not in answer:
                raise OSError("the filer does not answer yet")

    def _store(self) -> S3Store:
        return S3Store(
            BUCKET,
            endpoint=self.place.endpoint,
            region="us-east-1",
            access_key_id=ACCESS,
            secret_access_key=SECRET,
            client_options={"allow_http": True},
            retry_config={"max_retries": 0},
        )

    def stop(self) -> None:
        """Stop it at once: what it holds is nobody's."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.folder)


def _ports(count: int) -> list[int]:
    """Return free ports whose partners, 10,000 above, are free as well."""
    with ExitStack() as held:
        found: list[int] = []
        while len(found) < count:
            one = held.enter_context(socket.socket())
            one.bind(("127.0.0.1", 0))
            port = one.getsockname()[1] % 20_000 + 20_000
            pair = [held.enter_context(socket.socket()) for _ in range(2)]
            try:
                pair[0].bind(("127.0.0.1", port))
                pair[1].bind(("127.0.0.1", port + 10_000))
            except OSError:
                continue
            found.append(port)
        return found
