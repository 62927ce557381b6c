"""Wavetrain beside other libraries on the same data; `own_data.py` runs it."""
