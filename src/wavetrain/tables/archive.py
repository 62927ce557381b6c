"""Arrays of a .npz file, from whoever made it: nothing is unpickled, and what is wrong is one line."""

import io
from collections.abc import Sequence

import numpy as np

from wavetrain.errors import BadInput

MAGIC = b"\x93NUMPY"  # that a lone array begins with


def arrays(
    content: bytes, needed: Sequence[str], optional: Sequence[str] = ()
) -> tuple[dict[str, np.ndarray], list[str]]:
    """The needed arrays by their names, the optional ones that are there, and the names of all others."""
    if content.startswith(MAGIC):
        raise BadInput("expected a .npz file, got a lone array (.npy) or a damaged one")
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as file:
            names = list(file.files)
            if not set(needed) <= set(names):
                raise BadInput(
                    f"expected arrays called {' and '.join(needed)}, got {', '.join(names) or 'none'}"
                )
            read = {name: file[name] for name in (*needed, *optional) if name in names}
    except BadInput:
        raise
    except MemoryError as error:
        raise BadInput(f"expected arrays that fit into memory: {error}") from error
    except Exception as error:  # zip, inflate and numpy have a dozen errors for damaged bytes
        if "pickle" in str(error):
            raise BadInput("expected arrays of numbers, got Python objects (pickled)") from error
        raise BadInput(f"expected a whole .npz file, got a damaged one ({error})") from error
    for name, array in read.items():
        if not isinstance(array, np.ndarray):  # numpy hands over the bytes of what is no array
            raise BadInput(f"expected an array called {name}, got bytes that are none: a damaged file")
    return read, [name for name in names if name not in read]
