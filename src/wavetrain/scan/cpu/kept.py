"""Where compiled kernels are kept between processes, so that no state of that folder can stop one.

An index that is empty or cut, a file of another user, a full disk: the kernel is compiled as if nothing had
been kept, and that is said once. What cannot be read, but can be replaced, is.

A kernel calls functions of other files, which are compiled into it: of this folder and of its own. So it is
kept for the sources in both as they are now, where numba by itself looks at the time of one file.
"""

import contextlib
import functools
import hashlib
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

from numba import config
from numba.core.caching import FunctionCache, IndexDataCacheFile

_said = False


class Kept(FunctionCache):
    """numba's cache of one function, whose failures are no errors."""

    def __init__(self, function: Callable[..., Any]):
        super().__init__(function)
        sources = _sources(Path(function.__code__.co_filename).parent)
        checked = bool(config.BOUNDSCHECK)  # type: ignore[attr-defined]
        stamp = self._impl.locator.get_source_stamp(), sources, checked
        self._cache_file = IndexDataCacheFile(self.cache_path, self._impl.filename_base, stamp)

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        try:
            return super().load_overload(sig, target_context)
        except Exception as error:  # what is kept is pickled, and damaged bytes may raise anything
            say(f"kernels kept in {self.cache_path} cannot be read ({_in_words(error)})")
            if not isinstance(error, OSError):
                with contextlib.suppress(OSError):
                    self.flush()
            return None

    def save_overload(self, sig: Any, data: Any) -> None:
        try:
            super().save_overload(sig, data)
        except Exception as error:
            say(f"compiled kernels cannot be kept in {self.cache_path} ({_in_words(error)})")
            self.disable()


@functools.cache
def _sources(folder: Path) -> str:
    """A digest of the files in this folder and in another; none lies in a folder inside a zip."""
    whole = hashlib.sha256()
    for path in sorted({*Path(__file__).parent.glob("*.py"), *folder.glob("*.py")}):
        whole.update(path.read_bytes())
    return whole.hexdigest()


def say(what: str) -> None:
    """Once in a process, for what befalls one kernel befalls all."""
    global _said
    if not _said:
        _said = True
        warnings.warn(f"{what}: they are compiled again, which takes seconds", RuntimeWarning, stacklevel=2)


def _in_words(error: Exception) -> str:
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
