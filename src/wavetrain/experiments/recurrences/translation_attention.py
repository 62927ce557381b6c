"""Does attention hold up on long sentences, where a vector of fixed size falls?

Bahdanau, Cho and Bengio 2015, arXiv 1409.0473, and Luong, Pham and Manning 2015, arXiv 1508.04025: BLEU by
length of the sentence. Two translators of LSTMs, which read the source from both ends, learn sentences of all
lengths up to the longest, one length in each batch. One attends to the encoders' outputs. The other starts
from their last state and sees nothing else of the source, but it is wider, so that it has no fewer
parameters. Both get the same batches and the same search: each learning rate for `trial` steps, the lowest
training loss wins. Then both translate held-out sentences word by word, from their own words so far.

The figures are BLEU from 0 to 1 and the share of sentences without an error, for the shortest and the longest
sentences trained on, and for sentences longer than these (`beyond`), which decide nothing.
"""

from dataclasses import dataclass
from functools import partial

import numpy as np
import torch

from wavetrain.evidence.claims import Claim, Figure, Measured, Part
from wavetrain.evidence.picture import Curve, Field
from wavetrain.networks.translator import Translator
from wavetrain.tasks._mixture import Mixture
from wavetrain.tasks.languages.translation import Translation, bleu, sentences
from wavetrain.train.lab import Lab, Plan, Training, curve

LEARNED = 0.8  # BLEU on the shortest sentences
KEPT, FELL = 0.9, 0.7  # of that on the longest


def _learned(figures: Measured) -> bool:
    """Whether both translate the shortest sentences."""
    return all(figures[f"bleu_{name}_short"] >= LEARNED for name in ("attention", "fixed"))


def _attention_keeps(figures: Measured) -> bool | None:
    if not _learned(figures):
        return None
    return figures["bleu_attention_long"] >= KEPT * figures["bleu_attention_short"]


def _fixed_falls(figures: Measured) -> bool | None:
    if not _learned(figures):
        return None
    return figures["bleu_fixed_long"] < FELL * figures["bleu_fixed_short"]


claim = Claim(
    title="Attention keeps translating long sentences; a fixed vector does not",
    sentence="From sentences of 4 words to sentences of 16, an encoder and decoder with attention keeps at "
    "least 90% of its BLEU, and one whose source is a vector of fixed size keeps less than 70%.",
    topic="Translation by recurrent networks",
    source="Bahdanau, Cho and Bengio 2015, arXiv 1409.0473, and Luong, Pham and Manning 2015, arXiv "
    "1508.04025, BLEU by length of the sentence",
    systems=("translator", "lstm", "translation"),
    parts=(
        Part(
            says="With attention the longest sentences keep at least 90% of the BLEU of the shortest.",
            holds=_attention_keeps,
            figures=("bleu_attention_long", "bleu_attention_short"),
        ),
        Part(
            says="With a vector of fixed size they keep less than 70%.",
            holds=_fixed_falls,
            figures=("bleu_fixed_long", "bleu_fixed_short"),
        ),
    ),
    published={"bleu_attention_long": "does not fall", "bleu_fixed_long": "falls"},
    figures=(
        Figure(name="bleu_{net}_{length}", says="BLEU of {length} sentences, {net}", unit="BLEU from 0 to 1"),
        Figure(name="exact_{net}_{length}", says="{length} sentences without an error, {net}", unit="share"),
    ),
    names={
        "attention": "with attention",
        "fixed": "with a vector of fixed size",
        "short": "the shortest",
        "long": "the longest learned",
        "beyond": "longer",
    },
    notes="Nothing is decided where either has a BLEU under 0.8 on the shortest sentences. The papers draw "
    "curves for English, French and German. The thresholds are ours, and so is the language, whose lexicon "
    "is small. What is compared is the same short training, not the end of learning: the translator with "
    "the fixed vector still improves when training stops.",
)


@dataclass(frozen=True, kw_only=True)
class Scale:
    clauses: tuple[int, ...]  # lengths to train on, in clauses of two words
    tested: tuple[int, ...]  # to test: from the shortest to the longest of these, and beyond
    widths: tuple[int, int]  # with and without attention
    steps: int
    trial: int
    batch: int
    rates: tuple[float, ...]
    every: int
    sentences: int  # of each length, in the test
    nouns: int = 4  # of each gender
    verbs: int = 8  # of each kind


smoke = Scale(
    clauses=(2, 3),
    tested=(2, 3, 4),
    widths=(8, 12),
    steps=4,
    trial=2,
    batch=4,
    rates=(1e-3,),
    every=2,
    sentences=5,
)
small = Scale(
    clauses=tuple(range(2, 9)),
    tested=(2, 3, 4, 5, 6, 7, 8, 10),
    widths=(64, 71),
    steps=2500,
    trial=150,
    batch=64,
    rates=(1e-2, 3e-3),
    every=250,
    sentences=300,
)
full = Scale(
    clauses=tuple(range(2, 26)),
    tested=(2, 5, 10, 15, 20, 25, 30),
    widths=(1000, 1100),
    steps=100_000,
    trial=2000,
    batch=80,
    rates=(1e-3, 3e-4),
    every=1000,
    sentences=1000,
    nouns=500,
    verbs=500,
)


def run(scale: Scale, lab: Lab) -> dict[str, float]:
    language = partial(_language, scale)
    task = Mixture(tuple(language(clauses) for clauses in scale.clauses))
    plan = Plan(scale.steps, scale.batch, rate=0.0, clip=1.0, every=scale.every, held_out=200)
    figures: dict[str, float] = {}
    ends: dict[str, Training] = {}
    lines = []
    for name, width in zip(("attention", "fixed"), scale.widths, strict=True):

        def build(attention: bool = name == "attention", width: int = width) -> Translator:
            return Translator(width, task.inputs, task.outputs, attention)

        ends[name] = lab.tuned(name, build, task, plan, scale.trial, scale.rates, (1.0,))
        scores = [_test(ends[name], language(clauses), scale.sentences) for clauses in scale.tested]
        lines.append([score for score, _ in scores])
        figures |= _figures(name, scores, scale)
        figures[f"parameters_{name}"] = sum(one.numel() for one in ends[name].network.parameters())
    words = 2.0 * np.array(scale.tested)
    lab.show(
        "length",
        Curve("Translation by length", words, np.array(lines), tuple(ends), "words of the sentence", "BLEU"),
    )
    lab.show("training", curve("Longest sentences, the right words so far given", ends, "words right"))
    _show_alignment(lab, ends["attention"].network, language(scale.clauses[-1]))
    return figures


def exact(scale: Scale, lab: Lab) -> dict[str, float]:
    """The grammar: of the whole sentence for attention, of as many words as the shortest for the vector.

    A vector that holds so many words loses nothing of the shortest sentences, and all that is longer.
    """
    figures: dict[str, float] = {}
    for name, held in (("attention", 2 * scale.tested[-1]), ("fixed", 2 * scale.clauses[0])):
        scores = []
        for clauses in scale.tested:
            task = _language(scale, clauses)
            source, right = _asked(task, scale.sentences)
            scores.append(_scores([translated(task, words[:held]) for words in source.tolist()], right))
        figures |= _figures(name, scores, scale)
    return figures


def translated(task: Translation, words: list[int]) -> list[int]:
    """A source, without its end, in the target language: verbs wait for the end of their chain."""
    said, waiting = [], []
    for noun, verb in zip(words[::2], words[1::2], strict=True):
        noun, verb = noun - task.outputs, verb - task.outputs - 2 * task.nouns
        said.append(2 + noun)
        waiting.append(2 + 2 * task.nouns + 2 * verb + (noun >= task.nouns))  # in the form of its noun
        if verb < task.verbs:  # it closes the chain
            said += waiting[::-1]
            waiting = []
    return said + waiting[::-1]


def _language(scale: Scale, clauses: int) -> Translation:
    return Translation(clauses, scale.nouns, scale.verbs)


def _asked(task: Translation, count: int) -> tuple[torch.Tensor, list[list[int]]]:
    """Sources (B, words) of the test, and their translations."""
    words = 2 * task.clauses
    x, y = task.test().x[:count], task.test().y[:count]
    return x[:, :words], sentences(y[:, words:])


def _figures(name: str, scores: list[tuple[float, float]], scale: Scale) -> dict[str, float]:
    """Of the scores at each length tested."""
    figures: dict[str, float] = {}
    last = scale.tested.index(scale.clauses[-1])
    for part, place in (("short", 0), ("long", last), ("beyond", -1)):
        figures[f"bleu_{name}_{part}"], figures[f"exact_{name}_{part}"] = scores[place]
    return figures


def _test(end: Training, task: Translation, count: int) -> tuple[float, float]:
    """BLEU, and the share of sentences without an error; one that does not end is cut at twice its length."""
    if end.diverged:
        return float("nan"), float("nan")
    assert isinstance(end.network, Translator)
    source, right = _asked(task, count)
    device = next(end.network.parameters()).device
    return _scores(sentences(end.network.translate(source.to(device), 2 * source.shape[1]).cpu()), right)


def _scores(said: list[list[int]], right: list[list[int]]) -> tuple[float, float]:
    """BLEU, and the share of sentences without an error."""
    return bleu(said, right), sum(a == b for a, b in zip(said, right, strict=True)) / len(right)


def _show_alignment(lab: Lab, network: torch.nn.Module, task: Translation) -> None:
    assert isinstance(network, Translator)
    weight = network.align(task.test().x[:1].to(lab.device))[0]  # (U, S)
    title = "What each word of a translation attends to, the last being its end"
    lab.show(
        "alignment",
        Field(
            title,
            weight.T.cpu().numpy(),
            "word of the translation",
            "word of the source",
            "weight of attention",
        ),
    )
