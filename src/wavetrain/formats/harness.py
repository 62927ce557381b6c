"""A language model under EleutherAI's lm-evaluation-harness, as the model called `wavetrain`.

    python -m wavetrain.formats.harness --model wavetrain --model_args checkpoint=FOLDER --tasks piqa

is the harness's own command, with all its options. `checkpoint` is read by `wavetrain.formats.checkpoints`;
text becomes tokens by the tokenizer.json in the same folder, or by the file that `tokenizer` names, or byte
by byte with `tokenizer=bytes`. In Python, `Evaluated(model, tokenizer)` goes wherever the
harness wants a model.

Needs `pip install wavetrain[harness]`; nothing else in the package imports this file.
"""

import argparse
import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch.nn import functional as F

from wavetrain.errors import BadInput, unknown
from wavetrain.formats import checkpoints
from wavetrain.networks.language_model import LanguageModel
from wavetrain.parts.sampling import Sampling

try:
    from lm_eval import utils
    from lm_eval.api.model import TemplateLM
    from lm_eval.api.registry import register_model
except ModuleNotFoundError as error:
    raise BadInput(f"the harness needs the package {error.name}: pip install 'wavetrain[harness]'") from error

PIECE = 512  # steps whose logits are held at once
LENGTH = 2048  # tokens in view by default, the default of the harness too
LONGEST = 256  # tokens of a continuation where a task gives no limit
LIMITS = ("max_gen_toks", "max_new_tokens", "max_tokens", "max_completion_tokens")  # the harness's words
DRAWN = ("temperature", "top_k", "top_p", "min_p", "repetition_penalty")
NEUTRAL = {"num_beams": 1, "num_return_sequences": 1, "use_cache": True}  # taken where they change nothing

WORDS: dict[str, Any] = {  # arguments of the model as the command gives them; max_batch_size is not used
    "checkpoint": "",
    "tokenizer": "",
    "length": LENGTH,
    "batch_size": 1,
    "max_batch_size": None,
    "device": "cpu",
}


class Tokenizer(NamedTuple):
    """Text to tokens and back, and the token that ends a text and stands before its beginning."""

    encode: Callable[[str], Sequence[int]]
    decode: Callable[[Sequence[int]], str]
    end: int


BYTES = Tokenizer(lambda text: list(text.encode()), lambda tokens: bytes(tokens).decode(errors="replace"), 0)


def pieces(path: Path, end: str = "<|endoftext|>") -> Tokenizer:
    """The tokenizer of a tokenizer.json, that of GPT-NeoX for example."""
    from tokenizers import Tokenizer as Pieces

    try:
        made = Pieces.from_file(str(path))
    except Exception as error:  # the package raises nothing more special
        raise BadInput(f"{path} is not a tokenizer.json ({error})") from error
    if (last := made.token_to_id(end)) is None:
        raise BadInput(f"{path}: expected a token {end!r}, found none")
    return Tokenizer(lambda text: made.encode(text, add_special_tokens=False).ids, made.decode, last)


@register_model("wavetrain")
class Evaluated(TemplateLM):
    """A model with its tokenizer. `length` tokens are in view at once; None is all there are.

    With `length` None a text of any length is scored in one go; attention then remembers all of it.
    """

    def __init__(
        self, model: LanguageModel, tokenizer: Tokenizer, length: int | None = LENGTH, batch: int = 1
    ):
        super().__init__()
        if batch < 1 or (length is not None and length < 2):
            raise BadInput(
                f"expected a batch of at least 1 and a length of at least 2, got {batch}, {length}"
            )
        self.model, self.text, self.length, self.batch = model.eval(), tokenizer, length, batch
        self.generator = torch.Generator().manual_seed(0)
        self._device = model.embeddings.weight.device

    @classmethod
    def create_from_arg_string(
        cls, arg_string: str, additional_config: dict[str, Any] | None = None
    ) -> "Evaluated":
        """From the words of the command: checkpoint, tokenizer, length, batch_size, device."""
        return cls.create_from_arg_obj(utils.simple_parse_args_string(arg_string), additional_config)

    @classmethod
    def create_from_arg_obj(
        cls, arg_dict: dict[str, Any], additional_config: dict[str, Any] | None = None
    ) -> "Evaluated":
        given = {name: value for name, value in (additional_config or {}).items() if value is not None}
        words = WORDS | given | arg_dict
        for name in words.keys() - WORDS.keys():
            raise unknown("argument of the model", name, WORDS)
        if not words["checkpoint"]:
            raise BadInput("expected checkpoint=FOLDER among the arguments of the model")
        batch = whole("batch_size", words["batch_size"], 1)
        length = whole("length", words["length"], 0) if words["length"] is not None else 0  # 0: all there are
        path = Path(str(words["checkpoint"]))
        folder = path if path.is_dir() else path.parent
        device = str(words["device"])
        if device.startswith("cuda") and not torch.cuda.is_available():  # the command asks for it unasked
            logging.getLogger(__name__).warning("there is no %s here: the model runs on the CPU", device)
            device = "cpu"
        try:
            place = torch.device(device)
        except RuntimeError as error:
            raise BadInput(f"device must be cpu, cuda or another of PyTorch's, not {device!r}") from error
        model = checkpoints.load(path).to(place)
        bytewise = words["tokenizer"] == "bytes"
        text = BYTES if bytewise else pieces(Path(words["tokenizer"] or folder / "tokenizer.json"))
        return cls(model, text, length or None, batch)

    @property
    def eot_token_id(self) -> int:
        return self.text.end

    def tok_encode(self, string: str, add_special_tokens: bool | None = None) -> list[int]:
        return [int(token) for token in self.text.encode(string)]

    def loglikelihood_rolling(self, requests: Sequence[Any], disable_tqdm: bool = False) -> list[float]:
        """Nats of each whole text: every token is scored once, in windows side by side."""
        totals = []
        for text in (request.args[0] for request in requests):
            tokens = self.tok_encode(text)
            windows = utils.get_rolling_token_windows(
                tokens, self.text.end, self.length or max(1, len(tokens)), context_len=1
            )
            rows = [utils.make_disjoint_window(window) for window in windows]
            totals.append(sum(nats for nats, _ in self.score(rows)))
            self.cache_hook.add_partial("loglikelihood_rolling", (text,), totals[-1])
        return totals

    def generate_until(self, requests: Sequence[Any], disable_tqdm: bool = False) -> list[str]:
        """What follows each text, to the first of its stops, to the end of the text or to the limit."""
        answers = []
        for request in requests:
            text, wishes = request.args
            answers.append(self._follow(text, wishes))
            self.cache_hook.add_partial("generate_until", (text, wishes), answers[-1])
        return answers

    @torch.no_grad()
    def score(self, rows: Sequence[tuple[Sequence[int], Sequence[int]]]) -> list[tuple[float, bool]]:
        """Nats of each continuation behind its context, and whether it is what greedy generation gives."""
        order = sorted(range(len(rows)), key=lambda at: -len(rows[at][0]) - len(rows[at][1]))
        found: dict[int, tuple[float, bool]] = {}
        for start in range(0, len(order), self.batch):
            chosen = order[start : start + self.batch]
            texts = [self._in_view(*rows[at]) for at in chosen]
            shown = torch.nn.utils.rnn.pad_sequence(texts, batch_first=True)  # behind the end: seen by none
            stream, _ = self.model.through(shown[:, :-1].to(self._device))
            for row, (at, text) in enumerate(zip(chosen, texts, strict=True)):
                count = len(rows[at][1])
                last = len(text) - 1
                found[at] = self._score(stream[row, last - count : last], text[last + 1 - count :])
        return [found[at] for at in range(len(rows))]

    def _loglikelihood_tokens(
        self, requests: Sequence[tuple[Any, list[int], list[int]]], disable_tqdm: bool = False
    ) -> list[tuple[float, bool]]:
        scores = self.score([(context, continuation) for _, context, continuation in requests])
        for (words, _, _), score in zip(requests, scores, strict=True):
            self.cache_hook.add_partial("loglikelihood", words, score)
        return scores

    def _in_view(self, context: Sequence[int], continuation: Sequence[int]) -> torch.Tensor:
        """Context and continuation, without the beginning of a context that is too long."""
        if not context or (self.length is not None and len(continuation) > self.length):
            raise BadInput(
                f"expected a context, and a continuation of at most {self.length} tokens, "
                f"got {len(context)} and {len(continuation)}"
            )
        tokens = torch.tensor([*context, *continuation])
        return tokens if self.length is None else tokens[-self.length - 1 :]

    def _score(self, stream: torch.Tensor, tokens: torch.Tensor) -> tuple[float, bool]:
        """Of tokens (T) behind the steps of a stream (T, D), piece by piece: logits are large."""
        nats, greedy = 0.0, True
        for part, said in zip(stream.split(PIECE), tokens.to(stream.device).split(PIECE), strict=True):
            logits = self.model.head(part).to(torch.promote_types(part.dtype, torch.float32))
            nats -= float(F.cross_entropy(logits, said, reduction="sum"))
            greedy &= bool((logits.argmax(-1) == said).all())
        return nats, greedy

    def _follow(self, text: str, wishes: dict[str, Any]) -> str:
        limit, stops, sampling = asked(wishes, self.length)
        context = self.tok_encode(text) or [self.text.end]
        if self.length is not None:
            context = context[limit - self.length :]
        prompt = torch.tensor([context], device=self._device)
        told = self.model.generate(prompt, limit, sampling, self.generator)
        return self._until(stops, (int(token) for token in told))

    def _until(self, stops: Sequence[str], told: Iterable[int]) -> str:
        tokens: list[int] = []
        for token in told:
            if token == self.text.end:
                break
            tokens.append(token)
            said = self.text.decode(tokens)
            places = [place for place in (said.find(stop) for stop in stops) if place >= 0]
            if places:
                return said[: min(places)]
        return self.text.decode(tokens)


def asked(wishes: dict[str, Any], length: int | None) -> tuple[int, list[str], Sampling]:
    """How many tokens, to which stops, chosen how: every argument of generation acts or is refused.

    None stands for an argument that is not given. Nothing is drawn without a temperature or `do_sample`.
    """
    given = {name: value for name, value in wishes.items() if value is not None}
    for name in given.keys() - {*LIMITS, *DRAWN, *NEUTRAL, "until", "do_sample"}:
        raise unknown("argument of generation", name, [*LIMITS, *DRAWN, *NEUTRAL, "until", "do_sample"])
    for name, value in NEUTRAL.items():
        if given.get(name, value) != value:
            raise BadInput(f"{name} = {given[name]!r} is not supported, only {value!r}")
    limits = {name: whole(name, given[name], 0) for name in LIMITS if name in given}
    if len(set(limits.values())) > 1:
        raise BadInput(f"expected one limit of the tokens to generate, got {limits}")
    limit = next(iter(limits.values()), LONGEST if length is None else min(LONGEST, length - 1))
    if length is not None and limit >= length:
        raise BadInput(
            f"expected fewer tokens to generate than the {length} in view, got {limit}: give a greater length"
        )
    stops = given.get("until", [])
    stops = [stops] if isinstance(stops, str) else stops
    if not isinstance(stops, list | tuple) or not all(isinstance(stop, str) for stop in stops):
        raise BadInput(f"until must be a text or a list of texts, not {stops!r}")
    draws = given.get("do_sample", "temperature" in given)
    if not isinstance(draws, bool):
        raise BadInput(f"do_sample must be true or false, not {draws!r}")
    settings = {name: given[name] for name in DRAWN if name in given}
    if settings.get("top_k") in (0, -1):  # the harness's words for none
        del settings["top_k"]
    sampling = Sampling(**{"temperature": 1.0 if draws else 0.0, **settings})  # checks all of them
    return limit, [stop for stop in stops if stop], sampling if draws else replace(sampling, temperature=0.0)


def whole(name: str, value: Any, least: int) -> int:
    """A whole number, also where the command gives it as text."""
    if isinstance(value, str) and value.isdecimal():
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise BadInput(f"{name} must be a whole number of at least {least}, not {value!r}")
    return value


def main() -> None:
    """The harness's own command, with this model in it."""
    from lm_eval.__main__ import cli_evaluate

    try:
        cli_evaluate()
    except BadInput as error:
        argparse.ArgumentParser().exit(2, f"wavetrain: {error}\n")


if __name__ == "__main__":
    main()
