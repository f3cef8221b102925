"""A receiver of other people's requests on loopback, in a process of its own.

    python tests/web/receiving.py tipline|hooks FOLDER [CERT KEY]

Prints its port. `tipline` plays NCMEC's web services and checks every document against the schema;
`hooks` writes down each request. What came stands in FOLDER/received.jsonl, one request a line;
FOLDER/answer.json says how the next ones are answered (status, headers, code, drip).
"""

import base64
import json
import ssl
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs

import xmlschema

from halfdoor.readers.review.cyber_tip_schema import schema_bytes

KIND, FOLDER = sys.argv[1], Path(sys.argv[2])
SCHEMA = xmlschema.XMLSchema10(schema_bytes(), allow="none", defuse="always")
BASIC = "Basic " + base64.b64encode(b"esp:password").decode()
REPORT = 7001


class Receiver(BaseHTTPRequestHandler):
    """Takes a request, writes it down, and answers as it was told to."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", "0")))
        line = {
            "path": self.path,
            "headers": {name.lower(): value for name, value in self.headers.items()},
            "body": base64.b64encode(body).decode(),
        }
        with (FOLDER / "received.jsonl").open("a") as written:
            written.write(json.dumps(line) + "\n")
        told = json.loads((FOLDER / "answer.json").read_text())
        if KIND == "tipline":
            self._tipline(told, body)
        else:
            self._answer(told.get("status", 204), b"", told)

    def do_GET(self) -> None:
        with (FOLDER / "received.jsonl").open("a") as written:
            written.write(json.dumps({"path": self.path, "headers": {}, "body": ""}) + "\n")
        self._answer(200, b"", {})

    def _tipline(self, told: dict[str, object], body: bytes) -> None:
        verb = self.path.rpartition("/")[2]
        code = told.get("code", {}).get(verb, 0)  # type: ignore[attr-defined]
        if self.headers.get("authorization") != BASIC:
            self._answer(401, b"", {})
            return
        if verb in {"submit", "fileinfo"} and not SCHEMA.is_valid(
            xmlschema.XMLResource(body, defuse="always")
        ):
            code = 4100
        if verb in {"finish", "retract"} and parse_qs(body.decode()) != {"id": [str(REPORT)]}:
            code = 5001
        if verb == "finish":
            xml = (
                f"<reportDoneResponse><responseCode>{code}</responseCode>"
                f"<reportId>{REPORT}</reportId><files/></reportDoneResponse>"
            )
        else:
            file = "<fileId>f-1</fileId>" if verb == "upload" else ""
            xml = (
                f"<reportResponse><responseCode>{code}</responseCode>"
                "<responseDescription>said</responseDescription>"
                f"<reportId>{REPORT}</reportId>{file}</reportResponse>"
            )
        raw = told.get("raw")
        answer = xml if raw is None else str(raw)
        self._answer(int(str(told.get("status", 200))), answer.encode(), told)

    def _answer(self, status: int, body: bytes, told: dict[str, object]) -> None:
        self.send_response(status)
        headers = told.get("headers", {})
        assert isinstance(headers, dict)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(body)))
        if told.get("drip"):
            self.flush_headers()
            time.sleep(30)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_args: object) -> None:
        return


def main() -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    server.daemon_threads = True
    if len(sys.argv) > 3:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(sys.argv[3], sys.argv[4])
        server.socket = context.wrap_socket(server.socket, server_side=True)
    print(server.server_address[1], flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
