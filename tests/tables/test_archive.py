"""Arrays of a .npz file: those that are needed, those that may be there, and files that are none."""

import io
import zipfile
from typing import Any

import numpy as np
import pytest

from wavetrain.errors import BadInput
from wavetrain.tables.archive import arrays


def npz(**held: Any) -> bytes:
    content = io.BytesIO()
    np.savez(content, **held)
    return content.getvalue()


def test_needed_optional_and_others():
    content = npz(x=[1, 2], y=[3], z=[4], w=[5])
    found, others = arrays(content, ("x", "y"), ("z", "v"))
    assert {name: one.tolist() for name, one in found.items()} == {"x": [1, 2], "y": [3], "z": [4]}
    assert others == ["w"]
    assert arrays(content, ("x",))[1] == ["y", "z", "w"]
    with pytest.raises(BadInput, match=r"^expected arrays called x and v, got x, y, z, w$"):
        arrays(content, ("x", "v"))
    with pytest.raises(BadInput, match=r"^expected arrays called x, got none$"):
        arrays(npz(), ("x",))


def test_files_that_are_none():
    lone = io.BytesIO()
    np.save(lone, np.zeros(2))
    with pytest.raises(BadInput, match=r"^expected a .npz file, got a lone array \(.npy\) or a damaged one$"):
        arrays(lone.getvalue(), ("x",))
    with pytest.raises(BadInput, match=r"^expected arrays of numbers, got Python objects \(pickled\)$"):
        arrays(npz(x=np.array([{}], dtype=object)), ("x",))
    with pytest.raises(BadInput, match=r"^expected a whole .npz file, got a damaged one \(.+\)$"):
        arrays(npz(x=[1])[:-30], ("x",))
    words = io.BytesIO()
    with zipfile.ZipFile(words, "w") as file:
        file.writestr("x", "hello")
    with pytest.raises(
        BadInput, match=r"^expected an array called x, got bytes that are none: a damaged file$"
    ):
        arrays(words.getvalue(), ("x",))
