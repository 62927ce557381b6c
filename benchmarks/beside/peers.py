"""The other libraries, at their defaults: a process in an environment of its own, without wavetrain.

    python -m beside.peers FOLDER SECONDS NAME ...

It reads FOLDER/NAME.npz and writes FOLDER/NAME--CONTESTANT.npz: the answers, and what they took. Networks are
stopped when the processor time is over; until then they train for as many epochs as their library does by
default. Kernels of numba are compiled before.
"""

import logging
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from aeon.classification.convolution_based import MiniRocketClassifier, RocketClassifier
from darts import TimeSeries
from darts.dataprocessing.transformers import Scaler
from darts.models import NBEATSModel, RNNModel, TCNModel
from pytorch_lightning import Callback
from sktime.classification.deep_learning.lstmfcn import LSTMFCNClassifierTorch

EPOCHS = 100  # of darts by default
LSTM_FCN = 2000  # epochs of sktime's by default


class Found(NamedTuple):
    """Answers, and what they took."""

    answer: np.ndarray
    seconds: float  # of the processor, to train
    training: str  # in words
    cut: bool  # whether the time was over first


class Stop(Callback):
    """Ends a training when the processor time is over."""

    def __init__(self, seconds: float):
        self.end = time.process_time() + seconds

    def on_train_batch_end(self, trainer: Any, *rest: Any) -> None:
        if time.process_time() > self.end:
            trainer.should_stop = True


class InTime(LSTMFCNClassifierTorch):
    """LSTM-FCN that leaves out the epochs for which there is no time."""

    end, over = 0.0, 0  # of the class, since `fit` empties the instance

    @classmethod
    def begin(cls, seconds: float) -> None:
        """Start the clock."""
        cls.end, cls.over = time.process_time() + seconds, 0

    def _run_epoch(self, epoch: int, loader: Any) -> None:
        if time.process_time() < InTime.end:
            super()._run_epoch(epoch, loader)
            InTime.over += 1


def forecasts(question: Any, seconds: float, make: Callable[..., Any]) -> Found:
    """A model of darts on a table, scaled by its Scaler as its guide shows."""
    values, rows = question["values"].astype(np.float32), question["rows"]
    horizon, context = int(question["horizon"]), int(question["context"])
    whole = TimeSeries.from_values(values)
    scaler = Scaler().fit(whole[: int(question["first"])])
    scaled = scaler.transform(whole)
    trainer = {
        "accelerator": "cpu",
        "enable_progress_bar": False,
        "enable_model_summary": False,
        "logger": False,
        "enable_checkpointing": False,
    }
    begun = time.process_time()
    stop = Stop(seconds)
    model = make(context, horizon, random_state=0, pl_trainer_kwargs={**trainer, "callbacks": [stop]})
    model.fit(scaled[: int(question["first"])], verbose=False)
    spent, epochs = time.process_time() - begun, model.epochs_trained
    parts = [scaled[int(row) - context : int(row)] for row in rows]
    made = model.predict(horizon, series=parts, verbose=False, show_warnings=False)
    answer = np.stack([scaler.inverse_transform(one).values() for one in made])
    cut = epochs < EPOCHS
    return Found(answer, spent, f"{epochs} of {EPOCHS} epochs" if cut else f"{epochs} epochs", cut)


def rnn(context: int, horizon: int, **settings: Any) -> RNNModel:
    return RNNModel(context, training_length=context + horizon, **settings)


def kernels(question: Any, seconds: float, make: Callable[..., Any]) -> Found:
    """A ROCKET of aeon; it cannot be stopped."""
    learn, test = (channels(question[part]) for part in ("train", "test"))
    begun = time.process_time()
    model = make(random_state=0).fit(learn, question["train_label"])
    spent = time.process_time() - begun
    return Found(np.asarray(model.predict(test)), spent, "all kernels", False)


def lstm_fcn(question: Any, seconds: float, make: type[InTime]) -> Found:
    """The LSTM-FCN of sktime, for aeon's needs tensorflow."""
    learn, test = (channels(question[part]) for part in ("train", "test"))
    begun = time.process_time()
    InTime.begin(seconds)
    model = make(random_state=0).fit(learn, question["train_label"])
    spent, epochs = time.process_time() - begun, InTime.over
    cut = epochs < LSTM_FCN
    told = f"{epochs} of {LSTM_FCN:,} epochs" if cut else f"{epochs:,} epochs"
    return Found(np.asarray(model.predict(test)), spent, told, cut)


def channels(x: np.ndarray) -> np.ndarray:
    """(N, T, C) as (N, C, T), with zeros behind the end of a shorter sequence."""
    return np.ascontiguousarray(np.nan_to_num(x, nan=0.0).swapaxes(1, 2), np.float32)


TABLES = {
    "darts RNN": (forecasts, rnn),
    "darts TCN": (forecasts, TCNModel),
    "darts N-BEATS": (forecasts, NBEATSModel),
}
SEQUENCES = {
    "aeon ROCKET": (kernels, RocketClassifier),
    "aeon MiniRocket": (kernels, MiniRocketClassifier),
    "sktime LSTM-FCN": (lstm_fcn, InTime),
}


def warm() -> None:
    """Compile what numba compiles."""
    x, y = np.random.default_rng(0).normal(size=(8, 2, 30)).astype(np.float32), np.arange(8) % 2
    for make in (RocketClassifier, MiniRocketClassifier):
        make(random_state=0).fit(x, y).predict(x)
        make(random_state=0).fit(x[:, :1], y).predict(x[:, :1])


def main() -> None:
    warnings.simplefilter("ignore")
    for name in ("lightning", "pytorch_lightning", "darts"):
        logging.getLogger(name).setLevel(logging.ERROR)
    torch.set_num_threads(1)
    folder, seconds, names = Path(sys.argv[1]), float(sys.argv[2]), sys.argv[3:]
    warmed = False
    for name in names:
        with np.load(folder / f"{name}.npz", allow_pickle=False) as file:
            question = dict(file)
        tables = "horizon" in question
        if not tables and not warmed:
            warm()
            warmed = True
        for contestant, (answer, make) in (TABLES if tables else SEQUENCES).items():
            path = folder / f"{name}--{contestant}.npz"
            if path.exists():
                continue
            begun = time.perf_counter()
            found = answer(question, seconds, make)
            wall = time.perf_counter() - begun
            print(f"{name} | {contestant}: {found.seconds:.1f} s, {found.training}", flush=True)
            np.savez(path, **found._asdict(), wall=wall)


if __name__ == "__main__":
    main()
