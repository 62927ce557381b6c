"""Where compiled kernels are kept between processes, so that no state of that folder can stop one.

An index that is empty or cut, a file of another user, a full disk: the kernel is compiled as if nothing had
been kept, and that is said once. What cannot be read, but can be replaced, is.
"""

import contextlib
import warnings
from typing import Any

from numba.core.caching import FunctionCache

_said = False


class Kept(FunctionCache):
    """numba's cache of one function, whose failures are no errors."""

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


def say(what: str) -> None:
    """Once in a process, for what befalls one kernel befalls all."""
    global _said
    if not _said:
        _said = True
        warnings.warn(f"{what}: they are compiled again, which takes seconds", RuntimeWarning, stacklevel=2)


def _in_words(error: Exception) -> str:
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
