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
    "c3": "C3",
    "c6": "C6",
    "dsem": "DSEM",
    "elm": "ELM neuron",
    "elman": "Elman network",
    "esn": "echo state network",
    "ewc": "with elastic weight consolidation",
    "fresh": "untrained",
    "gru": "GRU",
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
    "nll": "negative log-likelihood",
    "r2": "R²",
    "rat": "rat",
    "relu": "ReLU",
    "right": "share right",
    "rotary": "rotary positions",
    "s3": "S3",
    "s4": "S4",
    "s4d": "S4D",
    "sdm": "sparse distributed memory",
    "sgd": "SGD",
    "tcnca": "TCNCA",
    "tem": "TEM",
    "unplaced": "no positions",
    "vpt": "valid prediction time (Lyapunov times)",
    "wave": "wave RNN",
    "way": "from edge agent (0) to node agent (1):",
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
