"""What a process in another environment does: says what is there, and times it when it is asked."""

import json
import sys
import time
from collections.abc import Callable
from typing import Any


def answer(there: dict[str, Callable[[], object]], found: dict[str, Any]) -> None:
    """Say `found`; then time the second of two calls of each name that is read, until there is no more."""
    print(json.dumps(found), flush=True)
    for line in sys.stdin:
        call = there[line.strip()]
        call()
        begun = time.perf_counter(), time.process_time()
        result = call()
        spent = time.perf_counter() - begun[0], time.process_time() - begun[1]
        del result  # before the answer: whoever asked will be timed next
        print(json.dumps(spent), flush=True)
