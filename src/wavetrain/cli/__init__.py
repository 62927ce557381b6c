"""The command."""

from wavetrain.cli.command import main

__all__ = ["main"]
