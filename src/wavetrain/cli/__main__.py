"""`python -m wavetrain.cli` is the command `wavetrain`."""

from wavetrain.cli.main import main

main()
