"""The contract of tasks, generated and recorded: all of them that `find` finds, with default arguments."""

import pytest

from wavetrain import find
from wavetrain.core import Task
from wavetrain.errors import BadInput
from wavetrain.testing import check_task

TASKS = [found for found in find.everything() if found.kind in ("tasks", "data")]


@pytest.mark.parametrize("found", TASKS, ids=lambda found: found.name)
def test_task(found: find.Found):
    try:
        task = found.load()()
    except BadInput as error:
        if found.kind != "data":
            raise
        pytest.skip(str(error))
    if not isinstance(task, Task):
        pytest.skip(f"{found.name} is a recording without a task")
    check_task(task)
