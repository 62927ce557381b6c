"""A server of this machine in place of those that recordings come from."""

import functools
import http.server
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from wavetrain.data import _files
from wavetrain.data.images import mnist


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Gives out the files of a folder; a file `NAME.once` is given out once, in place of NAME."""

    def do_GET(self) -> None:
        place = Path(self.translate_path(self.path))
        once = place.with_name(place.name + ".once")
        if not once.exists():
            return super().do_GET()
        content = once.read_bytes()
        once.unlink()
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder that is given out; the data folder is `data` beside it."""
    (tmp_path / "host").mkdir()
    handler = functools.partial(Quiet, directory=str(tmp_path / "host"))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}"
        monkeypatch.setattr(_files, "HOST", address)
        monkeypatch.setattr(mnist, "SOURCE", address + "/")
        monkeypatch.setattr(_files, "PAUSE", 0.0)
        monkeypatch.setenv("WAVETRAIN_DATA", str(tmp_path / "data"))
        yield tmp_path / "host"
        server.shutdown()
