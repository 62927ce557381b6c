"""Whether all lines of a table hold as many cells: counted at once, without reading a cell."""

import numpy as np

QUOTE, LINE = ord('"'), ord("\n")


def are_even(body: bytes, mark: str, width: int) -> bool:
    """Whether each line has `width` cells. In doubt it is False, and whoever asks must read line by line.

    >>> from wavetrain.tables.read.widths import are_even
    >>> are_even(b'1,"a,b"\\n2,c', ",", 2), are_even(b"1,a\\n2,b,c", ",", 2)
    (True, False)
    """
    if not body or not mark.isascii():
        return False
    cells = np.frombuffer(body, np.uint8)
    marks, ends = np.flatnonzero(cells == ord(mark)), np.flatnonzero(cells == LINE)
    if b'"' in body:
        quotes = np.flatnonzero(cells == QUOTE)
        opening = quotes[::2]
        before = cells[np.maximum(opening - 1, 0)]
        begins = np.isin(before, [ord(mark), LINE, QUOTE, ord(" ")]) | (opening == 0)
        if len(quotes) % 2 or not begins.all():
            return False  # a quote inside a cell is a character like others
        marks, ends = (one[np.searchsorted(quotes, one) % 2 == 0] for one in (marks, ends))
    ends = np.append(ends, len(cells))
    if len(marks) != (width - 1) * len(ends):
        return False
    if width == 1:
        return bool((np.diff(ends, prepend=-1) > 1).all())  # a blank line is no cell
    rows = marks.reshape(len(ends), width - 1)
    return bool((rows[:, -1] < ends).all() and (rows[1:, 0] > ends[:-1]).all())
