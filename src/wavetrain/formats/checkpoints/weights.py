"""The tensors of a checkpoint: names and shapes first, then one tensor at a time, and nothing else is run.

A file of safetensors says in its header where each tensor lies, and is checked to be as long as that. A
pytorch_model.bin is a zip archive with a pickle in it. It is read only where its members are stored as they
are, where its pickle names nothing but tensors of floating point, and where each tensor has its own numbers:
an expanded or sparse tensor could ask for any size.
"""

import pickletools
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from torch import Tensor

from wavetrain.errors import BadInput
from wavetrain.formats.checkpoints import words

REAL = {"BF16", "F16", "F32", "F64"}  # types of safetensors
NAMED = {  # what a pickle of weights names
    "collections OrderedDict",
    "torch._utils _rebuild_tensor_v2",
    "torch._utils _rebuild_parameter",
    "torch BFloat16Storage",
    "torch HalfStorage",
    "torch FloatStorage",
    "torch DoubleStorage",
}
NAMING = {"STACK_GLOBAL", "INST", "OBJ", "NEWOBJ", "NEWOBJ_EX", "EXT1", "EXT2", "EXT4"}  # ways around NAMED


class Weights:
    """The tensors of a file, or of the shards that an index names.

    `shapes` has the shape of each by name, `size` is how many bytes the files have.
    """

    def __init__(self, file: Path):
        self.file, self.size = file, 0
        self.shapes: dict[str, tuple[int, ...]] = {}
        self._readers: dict[str, Callable[[], Tensor]] = {}
        if file.name.endswith(".index.json"):
            self._open_shards()
        else:
            self._open(file)

    def rename(self, old: str, new: str) -> None:
        self.shapes[new], self._readers[new] = self.shapes.pop(old), self._readers.pop(old)

    def tensor(self, name: str, dtype: torch.dtype) -> Tensor:
        """A tensor in memory of its own; raises where a number of it is not finite in that type."""
        try:
            tensor = self._readers[name]().to(dtype).clone(memory_format=torch.contiguous_format)
        except Exception as error:  # the packages raise nothing more special, and memory may be short
            raise _damaged(self.file, error) from error
        if not torch.isfinite(tensor).all():
            raise BadInput(f"{self.file}: expected finite numbers in {name}, got NaN or infinity")
        return tensor

    def _open_shards(self) -> None:
        places = words.read(self.file).get("weight_map")
        if not isinstance(places, dict) or not all(_beside(name) for name in places.values()):
            raise BadInput(f"{self.file}: expected a weight_map to files of weights in the same folder")
        for shard in sorted(set(places.values())):
            before = set(self.shapes)
            path = self.file.parent / shard
            if not path.is_file():
                raise BadInput(f"{self.file}: expected the file {shard!r} beside it, found none")
            found = Weights(path)
            for name in sorted(before & found.shapes.keys()):
                raise BadInput(f"{path}: expected {name!r} in one file, got it in two")
            self.size += found.size
            self.shapes |= found.shapes
            self._readers |= found._readers
            for name in sorted(name for name, place in places.items() if place == shard):
                if name not in found.shapes:
                    raise BadInput(
                        f"{path}: expected the tensor {name!r} that the index puts there, found none"
                    )

    def _open(self, file: Path) -> None:
        self.size = file.stat().st_size
        try:
            if file.suffix == ".safetensors":
                self._open_safetensors(file)
            else:
                self._open_archive(file)
        except BadInput:
            raise
        except Exception as error:  # a damaged pickle raises whatever its place happens to raise
            raise _damaged(file, error) from error

    def _open_safetensors(self, file: Path) -> None:
        opened = safe_open(file, framework="pt")
        for name in opened.keys():  # noqa: SIM118 (not a dict)
            piece = opened.get_slice(name)
            if piece.get_dtype() not in REAL:
                raise BadInput(f"{file}: expected real numbers in {name!r}, got {piece.get_dtype()}")
            self.shapes[name] = tuple(piece.get_shape())
            self._readers[name] = lambda name=name: opened.get_tensor(name)  # type: ignore[misc]

    def _open_archive(self, file: Path) -> None:
        _check_archive(file, self.size)
        tensors = torch.load(file, map_location="cpu", weights_only=True, mmap=True)
        if not isinstance(tensors, dict):
            raise BadInput(f"{file}: expected tensors by name, got {type(tensors).__name__}")
        total = 0
        for name, part in tensors.items():
            if not isinstance(name, str) or not isinstance(part, Tensor):
                raise BadInput(f"{file}: expected tensors by name, got a {type(part).__name__}")
            if part.nbytes > part.untyped_storage().nbytes():
                raise BadInput(
                    f"{file}: expected {tuple(part.shape)} numbers in {name!r}, its memory has fewer"
                )
            total += part.nbytes
            self.shapes[name] = tuple(part.shape)
            self._readers[name] = lambda part=part: part  # type: ignore[misc]
        if total > 2 * self.size:  # a head may share the memory of the table
            raise BadInput(f"{file}: expected at most {self.size} bytes of tensors, got {total}")


def _check_archive(file: Path, size: int) -> None:
    """Raise for an archive that would grow when read, or whose pickle names more than tensors."""
    if not zipfile.is_zipfile(file):
        raise BadInput(f"{file} is not a whole file of weights (expected a zip archive of torch.save)")
    with zipfile.ZipFile(file) as archive:
        members = archive.infolist()
        packed = any(one.compress_type != zipfile.ZIP_STORED for one in members)
        if packed or sum(one.file_size for one in members) > size:
            raise BadInput(f"{file}: expected members as long as the file, stored as they are")
        pickles = [one for one in members if one.filename.rpartition("/")[2] == "data.pkl"]
        if len(pickles) != 1:
            raise BadInput(
                f"{file} is not a whole file of weights (expected one data.pkl, got {len(pickles)})"
            )
        for code, value, _ in pickletools.genops(archive.read(pickles[0])):
            if code.name in NAMING or (code.name == "GLOBAL" and value not in NAMED):
                what = value if code.name == "GLOBAL" else code.name
                raise BadInput(
                    f"{file} is not a whole file of weights (it names {what!r}, which is no weight)"
                )


def _damaged(file: Path, error: Exception) -> BadInput:
    first = next(iter(str(error).splitlines()), type(error).__name__)
    return BadInput(f"{file} is not a whole file of weights ({first})")


def _beside(name: Any) -> bool:
    """Whether a name is that of a file of weights, without a folder."""
    if not isinstance(name, str) or not name.isprintable() or "\\" in name:
        return False
    return Path(name).name == name and name.endswith((".safetensors", ".bin"))
