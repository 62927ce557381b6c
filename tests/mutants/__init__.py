"""Small planted faults, and whether the tests see them: `make mutants`, or python -m tests.mutants --help.

One place of the library is changed at a time, by the operators of Cosmic Ray: a sign, an arithmetic operator,
a comparison, a number by one (the bounds of slices among them), a boolean. Docstrings, annotations, cards,
messages and whatever is raised are left alone, and so are experiments and the report. The changes are drawn
by a seed, and an edit of one line leaves the draw of all other lines as it was.

Each change runs, up to the first failure:

    1  the test that mirrors the file, without what is slow, and the contract's tests of that member
    2  what is slow in that test
    3  the tests that import the file, or mirror those beside it that do, where they are few; for what a
       folder shares, those of its members

A file without a mirror is tried by the tests of its folder, or by those of the files that import it. A test
that fails is run again without the change and must pass. A row for each change goes to
runs/mutants/seed-N.jsonl, from which a run that was stopped goes on; a survivor is tried again once its tests
have changed. The survivors stand in runs/mutants/seed-N.md, to be judged one by one.

The changes are made in copies of the working tree, in the folder for temporary files. Compiled kernels are
kept between runs beside the report; a change to a kernel compiles it, and what calls it, anew.
"""
