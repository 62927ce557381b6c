"""A task made of one's own sequences, as one file of arrays for other processes; nothing is pickled."""

import hashlib
import json
from pathlib import Path

import numpy as np
import torch

from wavetrain.core import CLASSES, VALUES, Batch, Recorded
from wavetrain.tables.cases import Case

WORDS = "words.npy"  # by which such a file is known
PARTS = ("train", "held_valid", "held_test")


def write(case: Case, folder: Path, name: str) -> Path:
    """Write a task, whole or not at all, under a name that tells what is in it."""
    task = case.task
    arrays = {
        f"{part} {side}": getattr(getattr(task, part), side).numpy() for part in PARTS for side in ("x", "y")
    }
    words = {
        "what": case.what,
        "answer": case.answer,
        "outputs": task.outputs,
        "classes": task.objective is CLASSES,
        "chance": task.chance,
        "names": task.names,
        "scale": task.scale,
        "level": task.level,
        "spread": case.spread,
        "centre": case.centre,
    }
    arrays["words"] = np.array(json.dumps(words))
    digest = hashlib.sha256(b"".join(np.ascontiguousarray(one).tobytes() for one in arrays.values()))
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}-{digest.hexdigest()[:8]}.npz"
    part = path.with_name(f"{path.stem}.part.npz")
    np.savez(part, **arrays)
    part.replace(path)
    return path


def read(path: Path) -> Case:
    """What `write` wrote."""
    with np.load(path, allow_pickle=False) as file:
        arrays = {name: file[name] for name in file.files}
    words = json.loads(str(arrays["words"]))
    train, valid, test = (
        Batch(torch.from_numpy(arrays[f"{part} x"]), torch.from_numpy(arrays[f"{part} y"])) for part in PARTS
    )
    task = Recorded(
        train,
        valid,
        test,
        inputs=train.x.shape[-1],
        outputs=words["outputs"],
        tokens=False,
        every_step=False,
        objective=CLASSES if words["classes"] else VALUES,
        chance=words["chance"],
        names=tuple(words["names"]),
        scale=tuple(words["scale"]),
        level=tuple(words["level"]),
    )
    return Case(task, words["what"], words["answer"], tuple(words["spread"]), tuple(words["centre"]))
