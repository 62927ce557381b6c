"""`python -m wavetrain.cli` is the command `wavetrain`."""

from wavetrain.cli import main

main()
