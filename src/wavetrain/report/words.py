"""Names of figures as a reader says them: `identity100_delay0` is "identity RNN 100, delay 0".

A claim names its figures by words and numbers joined by underscores. Short forms are spelled out, numbers are
set apart, and what is measured comes before what it is measured of.
"""

import re

SHORT = {
    "aaren": "Aaren",
    "absolute": "learned positions",
    "arima": "ARIMA",
    "aufc": "forgetting (nats per byte)",
    "aussm": "AUSSM",
    "bleu": "BLEU",
    "bytes": "bytes of state:",
    "c3": "C3",
    "c6": "C6",
    "completed": "cues completed, percent of neurons dead:",
    "crossing": "patterns per unit where the overlap is 0.9:",
    "dead": "share of neurons never active:",
    "deep": "Transformer of equal compute",
    "dip": "share right after the exchange:",
    "dsem": "DSEM",
    "elm": "ELM neuron",
    "elman": "Elman network",
    "esn": "echo state network",
    "ewc": "with elastic weight consolidation",
    "fall": "fall of the overlap from 0.12 to 0.16:",
    "fallback": "largest error where failures are walked",
    "fifth": "share right, fifth sample:",
    "fresh": "untrained",
    "gap": "largest difference of losses:",
    "gru": "GRU",
    "halting": "Universal Transformer that halts",
    "handed": "handed on",
    "htm": "temporal memory",
    "identity": "identity RNN",
    "legs": "HiPPO-LegS",
    "lisem": "LISEM",
    "lru": "LRU",
    "lssl": "LSSL",
    "lstm": "LSTM",
    "mamba": "Mamba",
    "mape": "error (share of the mean)",
    "mega": "MEGA",
    "mlp": "MLP",
    "mnist": "MNIST",
    "moe": "mixture of experts",
    "mse": "mean squared error",
    "nats": "loss (nats per token)",
    "newton": "by Newton's method",
    "nll": "negative log-likelihood",
    "persistence": "last value again",
    "proven": "proven rate:",
    "r2": "R²",
    "rare": "share right, rare class:",
    "rat": "rat",
    "recovery": "records until recovery:",
    "relu": "ReLU",
    "right": "share right",
    "rotary": "rotary positions",
    "s3": "S3",
    "s4": "S4",
    "s4d": "S4D",
    "sdm": "sparse distributed memory",
    "second": "share right, second sample:",
    "sgd": "SGD",
    "shallow": "Transformer of equal parameters",
    "signs": "share of signs right",
    "tcnca": "TCNCA",
    "tem": "TEM",
    "truncated": "truncated gradients",
    "unbound": "values without keys",
    "universal": "Universal Transformer",
    "unplaced": "no positions",
    "updated": "updated at every record",
    "vpt": "valid prediction time (Lyapunov times)",
    "walk": "step by step",
    "wave": "wave RNN",
    "way": "from edge agent (0) to node agent (1):",
    "whole": "exact gradients",
}
WHOLE = {*SHORT, "float32", "float64", "adam"}  # words whose digits belong to them
NUMBERED = re.compile(r"([A-Za-z]+)(\d[\d.]*)")


def readable(name: str) -> str:
    """The name of a figure in words."""
    words: list[str] = []
    for part in re.split(r"[_ ]+", name):
        numbered = None if part.lower() in WHOLE else NUMBERED.fullmatch(part)
        if numbered and numbered[1] == "x":
            words.append(f"{numbered[2]} times as long")
        elif numbered:
            words += [SHORT.get(numbered[1].lower(), numbered[1]), numbered[2]]
        else:
            words.append(SHORT.get(part.lower(), part))
    return " ".join(word for word in words if word)
