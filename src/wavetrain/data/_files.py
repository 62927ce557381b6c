"""Where recordings lie, and how they come there.

A loader looks in the folder that the environment variable WAVETRAIN_DATA names (by default `data` in the
user's cache), and checks what it reads against the sha256 written in its file. It never uses the network;
`wavetrain fetch NAME` does.
"""

import gzip
import hashlib
import io
import os
import time
import zipfile
import zlib
from pathlib import Path
from typing import NamedTuple

import numpy as np

from wavetrain.errors import BadInput
from wavetrain.evidence import reads

HOST = "https://raw.githubusercontent.com"

TRIES, PAUSE = 3, 1.0  # to download a file, and seconds before the next, more each time


def folder() -> Path:
    """The folder of recordings."""
    named = os.environ.get("WAVETRAIN_DATA")
    return Path(named) if named else Path.home() / ".cache" / "wavetrain" / "data"


def unzipped(path: Path, sha256: str, source: str) -> bytes:
    """The content of a file, gzipped or not, checked by the sha256 of the content.

    A name that ends in `.gz` is found without it too. `source` is told where the file is missing or damaged.
    """
    content = _content(path, source)
    if hashlib.sha256(content).hexdigest() != sha256:
        raise _damaged(path, source)
    reads.note(path.name, sha256)
    return content


def _damaged(path: Path, source: str) -> BadInput:
    return BadInput(
        f"{path} is damaged: its content has another sha256 than published; get it again: {source}"
    )


def _content(path: Path, source: str) -> bytes:
    zipped = path.suffix == ".gz"
    plain = path.with_suffix("") if zipped else path
    if not path.exists() and not plain.exists():
        raise BadInput(f"{path.name} is not in {path.parent}: {source}")
    try:
        return gzip.decompress(path.read_bytes()) if zipped and path.exists() else plain.read_bytes()
    except (OSError, EOFError, zlib.error) as error:
        raise BadInput(f"{path} cannot be read ({error}); get it again: {source}") from error


def arrays(path: Path, sha256: str, source: str, same: str = "") -> dict[str, np.ndarray]:
    """The arrays of a .npz file by their names, checked as `unzipped` does; pickled objects are refused.

    A file with another sha256 is taken where its arrays have the digest `same`: made anew from what was
    published, it holds the same numbers in other bytes, as another numpy writes them.
    """
    content = _content(path, source)
    other = hashlib.sha256(content).hexdigest() != sha256
    if other and not same:
        raise _damaged(path, source)
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as file:
            found = {name: file[name] for name in file.files}
    except (OSError, ValueError, EOFError, zlib.error, zipfile.BadZipFile) as error:
        raise BadInput(f"{path} holds no arrays ({error}); get it again: {source}") from error
    if other and digest(found) != same:
        raise _damaged(path, source)
    reads.note(path.name, sha256)
    return found


def digest(arrays: dict[str, np.ndarray]) -> str:
    """A sha256 of names, shapes and numbers, whatever file they lie in."""
    found = hashlib.sha256()
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        found.update(f"{name} {array.dtype.str} {array.shape} ".encode())
        found.update(array.tobytes())
    return found.hexdigest()


def comes_from(repository: str) -> str:
    """Where a file of the data folder comes from, for who does not have it."""
    return f"it comes from the repository {repository}; set WAVETRAIN_DATA to the folder it lies in"


class File(NamedTuple):
    """A published file that lies in the data folder."""

    name: str
    sha256: str  # of its content, unzipped where the name ends in .gz
    repository: str  # that it comes from, owner/name on GitHub
    place: str = ""  # commit/path of the same content there; empty where it was put together from parts
    same: str = ""  # `digest` of its arrays, where `wavetrain fetch` puts them together from published files

    def where(self) -> tuple[Path, str, str]:
        """What `unzipped` and `arrays` need to know."""
        brings = "`wavetrain fetch` brings it; " if self.place or self.same else ""
        return folder() / self.name, self.sha256, brings + comes_from(self.repository)


def fetched(*files: File) -> Path:
    """Download files into the data folder, unzipped; needs the network."""
    for file in files:
        brought(f"{HOST}/{file.repository}/{file.place}", folder() / file.name, file.sha256)
    return folder()


def made(file: File, arrays: dict[str, np.ndarray]) -> None:
    """Write arrays that were made from published files, whole or not at all; raises where they are others."""
    if digest(arrays) != file.same:
        raise BadInput(
            f"{file.name}: expected arrays of the digest {file.same} from the published files, got others"
        )
    folder().mkdir(parents=True, exist_ok=True)
    part = folder() / f".part-{file.name}"
    np.savez_compressed(part, **arrays)  # type: ignore[arg-type]
    part.replace(folder() / file.name)


def brought(url: str, path: Path, sha256: str) -> None:
    """Download a file to the path, or to it without `.gz` where the address has none, unless it is there.

    What is there counts only whole, by the sha256 of its content, unzipped; what is damaged is replaced. A
    download that comes damaged is tried again, and never takes the place of anything.
    """
    import pooch

    pooch.get_logger().setLevel("WARNING")
    plain = path.with_suffix("") if path.suffix == ".gz" else path
    found = [one for one in {path, plain} if one.exists()]
    whole = [one for one in found if _is_whole(one, sha256)]
    if not whole:
        new = path if url.endswith(".gz") else plain
        part = new.with_name(f".part-{new.name}")
        why = ""
        for attempt in range(TRIES):
            time.sleep(attempt * PAUSE)
            try:
                part.unlink(missing_ok=True)
                pooch.retrieve(url, known_hash=None, fname=part.name, path=part.parent)
                if _is_whole(part, sha256):
                    part.replace(new)
                    break
                why = f"its content has another sha256 than published, {sha256}"
                part.unlink()
            except Exception as error:  # whatever the network raises
                why = str(error)
        else:
            raise BadInput(f"{path.name} could not be fetched from {url} in {TRIES} tries: {why}")
        whole = [new]
    for one in found:  # a damaged one would be read before the whole one
        if one not in whole:
            one.unlink()


def _is_whole(path: Path, sha256: str) -> bool:
    try:
        content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    except (OSError, EOFError, zlib.error):
        return False
    return hashlib.sha256(content).hexdigest() == sha256
