"""What all tests share: one torch thread, and shapes that are generated the same way on every run.

`HYPOTHESIS_PROFILE=explore` draws new shapes on each run, and more of them.
"""

import os

import hypothesis
import pytest
import torch

pytest_plugins = ["wavetrain.testing.plugin"]  # which an installed Wavetrain brings by itself
torch.set_num_threads(1)

hypothesis.settings.register_profile("same", max_examples=8, deadline=None, derandomize=True, database=None)
hypothesis.settings.register_profile("explore", max_examples=60, deadline=None)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "same"))


def pytest_configure(config: pytest.Config) -> None:
    """Warnings are errors, but not those that torch gives about itself when forward mode is first used."""
    config.addinivalue_line("filterwarnings", "ignore:.torch.jit.script. is deprecated:DeprecationWarning")
