"""Series with a label from the UEA and UCR archives: movement, heart, gestures, speech, power use.

Bagnall et al. 2018, arXiv 1811.00075; Dau et al. 2019, arXiv 1810.07758. Sequences to train and to test:

    acsf1                100, 100     1,460 steps, 1 channel, 10 classes    power use of appliances
    atrial_fibrillation   15,  15       640 steps, 2 channels, 3 classes    heart, two leads
    basic_motions         40,  40       100 steps, 6 channels, 4 classes    movement of the wrist
    epilepsy             137, 138       206 steps, 3 channels, 4 classes    acceleration of the wrist
    ering                 30, 270        65 steps, 4 channels, 6 classes    finger gestures
    japanese_vowels      270, 370   7 to 29 steps, 12 channels, 9 classes   who speaks
    racket_sports        151, 152        30 steps, 6 channels, 4 classes    strokes
    stand_walk_jump       12,  15     2,500 steps, 4 channels, 3 classes    heart, bands of a spectrum

The test part is the published one. A fifth of each class of the published training part, at least one
sequence, drawn with a seed, is the validation part; a sequence that occurs twice stays in the training part.
Channels are standardised by the training part. Shorter sequences end with the longest: the steps before
they begin are zero, so that the last step is a real one. `wavetrain fetch uea` makes the arrays from the
files that aeon and mlmts publish, and checks both.
"""

from collections import Counter
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from wavetrain.core import CLASSES, Batch, Recorded, majority
from wavetrain.data import _files
from wavetrain.data.series import _shared
from wavetrain.errors import BadInput, unknown

AEON, MLMTS = "aeon-toolkit/aeon", "cran/mlmts"
FILES = {  # the second sha256 is that of the arrays, made anew by `fetch`
    "acsf1": _files.File(
        "ucr_acsf1.npz",
        "c60f016f37ce44dd18959cf644b4f4801650ff0eb6215f3879a8eeb7a01f1ee0",
        AEON,
        same="1fcae4a1f820e5852dcbd050b4c29212d0437bb506fbf74997b3cbc0b0688f96",
    ),
    "atrial_fibrillation": _files.File(
        "uea_atrial_fibrillation.npz",
        "152e4d499144c3e95428dcc7d439ddcedf612d4818e09560fc6ff3bb92eb5011",
        MLMTS,
        same="036aa6df7c56443953dd99aeb1a63dd4fc0abd848e49ba2a42814a191a229c3e",
    ),
    "basic_motions": _files.File(
        "uea_basic_motions.npz",
        "b3d598406be6458c83865f242d45f4b343a1c5b956a1184f4a7a5564414a2152",
        AEON,
        same="484eb58fb3fc5c80e2c8b5cebb78c01f715ce23fc8526fc3d7dacb54d4548c61",
    ),
    "epilepsy": _files.File(
        "uea_epilepsy.npz",
        "6025e06750eb005af2220fb641ca88d2e3ba9216e3b0755114b0ccb0a6e7e8ac",
        MLMTS,
        same="b05debbb63f4427570b1f38703ac55a777f42cfd34141d0899c4be01b4cd1dd6",
    ),
    "ering": _files.File(
        "uea_ering.npz",
        "74c3d54946cdedcd6595c19fdb8998f02f526688b18a529f7a7006c52ff2e58d",
        MLMTS,
        same="0e4170c349e1a8bcf7f827a795653bf5a65f4fd00505df254561f4e10e2b4d71",
    ),
    "japanese_vowels": _files.File(
        "uea_japanese_vowels.npz",
        "afeb0510ec4f9691e8bc16e26ccef09455e1c70ac2a42ff15c80ff5483f8f113",
        AEON,
        same="1c8d82e3481da5f1b9f5767db92d355557cf6dc56d6ae68875b391f54192c713",
    ),
    "racket_sports": _files.File(
        "uea_racket_sports.npz",
        "ed9e8dc2cd8922f2d4bfb1d8b0cb125dbcda35f2ce88478940f29008e3889a8f",
        MLMTS,
        same="afe116b32b54abd291dc3b59f68d9cf691259cff69a5098696ddf8afefa80356",
    ),
    "stand_walk_jump": _files.File(
        "uea_stand_walk_jump.npz",
        "3d2830359193862027e6a44318295085e9abef2ccc30995117fda5efaa2df69d",
        MLMTS,
        same="eb078fa471fbd1890fdf10f20245bd4ddb86b1446957fed5e0d50241a801bacb",
    ),
}


def uea(name: str = "basic_motions", seed: int = 0) -> Recorded:
    """x (N, T, channels), y (N,) the class from 0; `seed` draws the validation part.

    >>> from wavetrain.data import uea
    >>> task = uea("basic_motions")
    >>> task.train.x.shape, task.test().x.shape, task.chance
    (torch.Size([32, 100, 6]), torch.Size([40, 100, 6]), 0.25)
    """
    if name not in FILES:
        raise unknown("series", name, FILES)
    arrays = _files.arrays(*FILES[name].where(), FILES[name].same)
    published, test = (
        Batch(torch.from_numpy(arrays[side]), torch.from_numpy(arrays[f"{side}_label"].astype(np.int64)))
        for side in ("train", "test")
    )
    return series(published, test, seed)


def series(published: Batch, test: Batch, seed: int) -> Recorded:
    """A task of a published training and test part; x (N, T, C) is NaN behind the end of shorter ones."""
    chosen = stratified(published, seed)
    train = published.x[~chosen]
    x, tested = (_ended(_shared.standardised(part, train)) for part in (published.x, test.x))
    return Recorded(
        train=Batch(x[~chosen], published.y[~chosen]),
        held_valid=Batch(x[chosen], published.y[chosen]),
        held_test=Batch(tested, test.y),
        inputs=x.shape[-1],
        outputs=int(published.y.max()) + 1,
        tokens=False,
        every_step=False,
        objective=CLASSES,
        chance=majority(test.y),
    )


def stratified(part: Batch, seed: int, share: float = 0.2) -> Tensor:
    """Which sequences are drawn, (N,) bool: a share of each class, at least one, none that is there twice."""
    rows = [row.tobytes() for row in part.x.numpy()]
    times = Counter(rows)
    single = torch.tensor([times[row] == 1 for row in rows])
    chosen = torch.zeros(len(part.y), dtype=torch.bool)
    generator = torch.Generator().manual_seed(seed)
    for label in part.y.unique():
        places = ((part.y == label) & single).nonzero().flatten()
        count = max(1, round(share * int((part.y == label).sum())))
        chosen[places[torch.randperm(len(places), generator=generator)[:count]]] = True
    return chosen


def fetch() -> Path:
    """Make the files that are not in the data folder from those that are published; needs the network."""
    from wavetrain.data.series._published import PUBLISHED, brought

    for name, file in FILES.items():
        try:
            _files.arrays(*file.where(), file.same)
        except BadInput:  # missing, or damaged
            _files.made(file, brought(PUBLISHED[name]))
    return _files.folder()


def _ended(x: Tensor) -> Tensor:
    """Sequences (N, T, C) moved to the end of the time axis, zero before they begin."""
    lengths = (~x.isnan()).any(-1).sum(1)
    ended = torch.zeros_like(x)
    for row, length in enumerate(lengths.tolist()):
        ended[row, x.shape[1] - length :] = x[row, :length]
    return ended
