"""A Ray that is not there: each kind of absence is one line, in seconds, before anything is run."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import pytest

from wavetrain.cli import main
from wavetrain.run.pools import ray_head
from wavetrain.run.pools.ray_head import GREETING, silent

SETTINGS = bytes((0, 0, 6, 4, 0, 0, 0, 0, 0)) + b"\0\3\0\0\0d"
INSTALLED = pytest.mark.skipif(find_spec("ray") is None, reason="pip install 'wavetrain[cluster]'")


@contextmanager
def server(answer: bytes | None, heard: list[bytes] | None = None) -> Iterator[str]:
    """Something at a port, which answers a greeting with these bytes, or not at all."""
    ended = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            line, _ = listening.accept()
            with line:
                greeting = line.recv(64)
                if heard is not None:
                    heard.append(greeting)
                if answer is not None:
                    for at in range(len(answer)):  # in the smallest pieces
                        line.sendall(answer[at : at + 1])
                    if answer:
                        ended.wait(5)
                else:
                    ended.wait(5)

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"127.0.0.1:{listening.getsockname()[1]}"
        ended.set()
        thread.join()


@contextmanager
def closed() -> Iterator[str]:
    """A port at which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as one:
        port = one.getsockname()[1]
    yield f"127.0.0.1:{port}"


def test_a_head_that_answers() -> None:
    heard = list[bytes]()
    with server(SETTINGS, heard) as address:
        assert silent(address) == ""
    assert heard == [GREETING] and heard[0].startswith(b"PRI * HTTP/2.0")


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (None, "no answer within 0.2 seconds"),
        (b"", "whatever is there is not Ray"),
        (b"SSH-2.0-OpenSSH", "whatever is there is not Ray"),
        (b"HTTP/1.1 400 Bad Request", "whatever is there is not Ray"),
    ],
)
def test_what_is_no_head(answer: bytes | None, why: str) -> None:
    begun = time.monotonic()
    with server(answer) as address:
        assert silent(address, 0.2) == why
    assert time.monotonic() - begun < 3


def test_nobody_there_and_no_such_place() -> None:
    with closed() as address:
        assert silent(address) == "Connection refused"
    assert silent("127.0.0.1:99999999") and silent("127.0.0.1:none") and silent("none.invalid:6379", 1)


def test_what_is_encrypted_is_not_greeted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAY_USE_TLS", "1")
    with server(None) as address:
        assert silent(address) == ""  # and the server waits for no greeting


def left(words: str, capfd: pytest.CaptureFixture[str]) -> str:
    """The one line that a command says, and no trace of Ray's own."""
    with pytest.raises(SystemExit) as end:
        main(words.split())
    out, err = capfd.readouterr()
    assert end.value.code == 2 and out == "" and err.count("\n") == 1
    return err


RUN = "run wave_rnn_waves --scale smoke --on ray --out"


@INSTALLED
def test_a_dead_head_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    with closed() as address:
        monkeypatch.setenv("RAY_ADDRESS", address)
        begun = time.monotonic()
        said = left(f"{RUN} {tmp_path}", capfd)
        assert said == f"wavetrain: no head of Ray answers at {address} (RAY_ADDRESS): Connection refused\n"
        assert time.monotonic() - begun < 30
    monkeypatch.setattr(ray_head.silent, "__defaults__", (0.2,))
    with server(None) as address:
        monkeypatch.setenv("RAY_ADDRESS", address)
        assert "no answer within 0.2 seconds" in left(f"{RUN} {tmp_path}", capfd)


@INSTALLED
@pytest.mark.parametrize("address", ["ray://there:10001", "auto", "there", "there:", ":6379"])
def test_addresses_that_are_none(
    address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("RAY_ADDRESS", address)
    said = left(f"{RUN} {tmp_path}", capfd)
    assert said == f"wavetrain: expected RAY_ADDRESS as HOST:PORT of the head of Ray, got {address!r}\n"


@pytest.mark.parametrize("words", [RUN, "compare copying --layers elman --steps 2 --on ray --out"])
def test_without_ray_its_extra_is_named(
    words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("wavetrain.run.pools.ray_cluster.find_spec", lambda name: None)
    said = left(f"{words} {tmp_path}", capfd)
    assert "--on ray needs the package ray: pip install 'wavetrain[cluster]'" in said


@pytest.mark.parametrize("device", ["cuda:1", "mps", "none"])
def test_other_machines_have_devices_of_their_own(
    device: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Which GPU of a machine a piece of work gets is for Ray to say."""
    said = left(f"{RUN} {tmp_path} --device {device}", capfd)
    assert said == f"wavetrain: expected a device cpu or cuda of other machines, got {device!r}\n"
