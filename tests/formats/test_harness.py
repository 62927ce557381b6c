"""Under lm-evaluation-harness: nats by hand, rolling windows, stops, arguments, a whole evaluation."""

import json
import string
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.fresh import warm
from tests.promises import close
from wavetrain.errors import BadInput
from wavetrain.formats import checkpoints, harness
from wavetrain.layers.attention.softmax_attention import SoftmaxAttention
from wavetrain.layers.state_space.mamba import Mamba
from wavetrain.networks.language_model import LanguageModel

pytestmark = pytest.mark.slow  # lm_eval takes seconds to import

END = 26
LETTERS = harness.Tokenizer(
    lambda text: [ord(letter) - ord("a") for letter in text],
    lambda tokens: "".join((string.ascii_lowercase + ".")[token] for token in tokens),
    END,
)


def model(vocabulary: int = 27, positions: int | None = None, seed: int = 0) -> LanguageModel:
    torch.manual_seed(seed)
    network = LanguageModel(
        [Mamba(6), SoftmaxAttention(6, heads=2)], vocabulary, positions=positions
    ).double()
    with torch.no_grad():
        for part in network.parameters():
            part.add_(0.5 * torch.randn_like(part))
    return network


def asked(kind: str, *arguments: Any):
    from lm_eval.api.instance import Instance

    return Instance(kind, {}, arguments, 0)


def by_hand(network: LanguageModel, context: list[int], continuation: list[int]) -> tuple[float, bool]:
    """Every token from the whole text before it, one forward for each."""
    nats, greedy, said = 0.0, True, list(context)
    for token in continuation:
        chances = network(torch.tensor([said]))[0][0, -1].detach().log_softmax(-1)
        nats += float(chances[token])
        greedy &= int(chances.argmax()) == token
        said.append(token)
    return nats, greedy


PAIRS = [("abcab", "c"), ("a", "bcdefg"), ("hello", "world"), ("", "abc"), ("zzzzzzzz", "y")]


@pytest.mark.parametrize("batch", [1, 2, 10])
def test_nats_are_those_by_hand(batch: int):
    network = model()
    under = harness.Evaluated(network, LETTERS, batch=batch)
    found = under.loglikelihood([asked("loglikelihood", *pair) for pair in PAIRS])
    for (context, continuation), (nats, greedy) in zip(PAIRS, found, strict=True):
        tokens = LETTERS.encode(context) or [END]
        expected = by_hand(network, list(tokens), list(LETTERS.encode(continuation)))
        close(nats, expected[0], f"nats of {continuation!r} behind {context!r}, by hand")
        assert greedy == expected[1]


def test_greedy_is_told():
    """The model's own greedy continuation is greedy, and with its last letter changed it is not."""
    network = model()
    said = [int(token) for token in network.generate(torch.tensor([[0, 1, 2]]), 4)]
    other = [*said[:-1], (said[-1] + 1) % 26]
    under = harness.Evaluated(network, LETTERS)
    assert [greedy for _, greedy in under.score([([0, 1, 2], said), ([0, 1, 2], other)])] == [True, False]


@pytest.mark.parametrize(("length", "batch"), [(1, 1), (0, 1), (2, 0), (None, 0), (None, -1)])
def test_a_length_without_a_step_and_a_batch_of_none_are_refused(length: int | None, batch: int):
    with pytest.raises(BadInput, match="a batch of at least 1 and a length of at least 2, got"):
        harness.Evaluated(model(), LETTERS, length=length, batch=batch)
    harness.Evaluated(model(), LETTERS, length=2, batch=1)


def test_long_contexts_lose_their_beginning():
    network = model(positions=6)
    under = harness.Evaluated(network, LETTERS, length=6)
    ((nats, _),) = under.loglikelihood([asked("loglikelihood", "abcdefghij", "klm")])
    close(
        nats,
        by_hand(network, list(LETTERS.encode("ghij")), list(LETTERS.encode("klm")))[0],
        "in view, by hand",
    )
    with pytest.raises(BadInput, match=r"at most 6 tokens, got 1 and 7"):
        under.score([([0], [1] * 7)])


def test_rolling_windows():
    """The example that lm-evaluation-harness gives for its method: ten tokens, four in view."""
    network, text = model(), "abcdefghij"
    under = harness.Evaluated(network, LETTERS, length=4)
    windows = [([END], [0, 1, 2, 3]), ([3], [4, 5, 6, 7]), ([5, 6, 7], [8, 9])]
    expected = sum(by_hand(network, *window)[0] for window in windows)
    (nats,) = under.loglikelihood_rolling([asked("loglikelihood_rolling", text)])
    close(nats, expected, "rolling, by hand")
    for length in (10, 2048, None):
        under = harness.Evaluated(network, LETTERS, length=length)
        whole, empty = under.loglikelihood_rolling(
            [asked("loglikelihood_rolling", text), asked("loglikelihood_rolling", "")]
        )
        close(whole, by_hand(network, [END], list(range(10)))[0], "whole text, by hand")
        assert empty == 0


def test_long_texts_are_scored_in_pieces(monkeypatch: pytest.MonkeyPatch):
    network, text = model(), "abcdefghijklmno"
    under = harness.Evaluated(network, LETTERS, length=None)
    (whole,) = under.loglikelihood_rolling([asked("loglikelihood_rolling", text)])
    monkeypatch.setattr(harness, "PIECE", 4)
    (pieces,) = under.loglikelihood_rolling([asked("loglikelihood_rolling", text)])
    close(pieces, whole, "in pieces, whole")


def told(network: LanguageModel, text: str, count: int) -> str:
    """Greedy letters by the parallel form."""
    tokens = list(LETTERS.encode(text))
    for _ in range(count):
        tokens.append(int(network(torch.tensor([tokens]))[0][0, -1].argmax()))
    return LETTERS.decode(tokens[len(text) :])


def test_generation_stops():
    network = model()
    said = told(network, "abc", 12)
    assert "." not in said and len(set(said)) > 2, (
        "the model's own text must try the stops: choose another seed"
    )
    stop = next(said[at : at + 2] for at in range(3, 10) if said.find(said[at : at + 2]) == at)
    under = harness.Evaluated(network, LETTERS)

    def follow(**wishes: Any) -> str:
        return under.generate_until([asked("generate_until", "abc", wishes)])[0]

    assert follow(max_gen_toks=12) == said
    assert follow(max_new_tokens=5, until=[]) == said[:5]
    assert follow(until=["?", stop], max_gen_toks=12) == said[: said.find(stop)]
    assert follow(until=stop, max_gen_toks=12, do_sample=False, temperature=0.7) == said[: said.find(stop)]
    assert follow(max_gen_toks=12, until=["", "?"]) == said  # an empty stop is none
    assert follow(max_gen_toks=12, until=[said[:2]]) == ""  # the text begins with its stop
    silent = harness.Evaluated(network, LETTERS._replace(end=LETTERS.encode(said[3])[0]))
    assert silent.generate_until([asked("generate_until", "abc", {})]) == [said[: said.index(said[3])]]
    short = harness.Evaluated(network, LETTERS, length=4)
    assert short.generate_until([asked("generate_until", "abc", {})])[0] == told(network, "c", 3)


def test_drawn_generation_repeats():
    def follow() -> list[str]:
        under = harness.Evaluated(model(), LETTERS)
        wishes = {"do_sample": True, "temperature": 1.0, "max_gen_toks": 20, "top_k": 9}
        return under.generate_until([asked("generate_until", "abc", wishes)] * 2)

    one, two = follow(), follow()
    assert one == two and one[0] != one[1]


DRAWING = {"do_sample": True, "temperature": 1.0, "max_gen_toks": 20, "until": []}


def said(**wishes: Any) -> str:
    endless = LETTERS._replace(end=-1)
    (answer,) = harness.Evaluated(model(), endless).generate_until([asked("generate_until", "abc", wishes)])
    return answer


def test_every_setting_of_the_draw_acts():
    plain, greedy = said(**DRAWING), said(**DRAWING | {"do_sample": False})
    assert plain != greedy
    for name, value in (
        ("top_p", 1e-6),
        ("min_p", 1.0),
        ("top_k", 1),
        ("temperature", 0),
        ("temperature", 0.0),
    ):
        assert said(**DRAWING | {name: value}) == greedy
    for name, value in (("top_p", 0.5), ("min_p", 0.5), ("top_k", 3), ("temperature", 3.0)):
        assert said(**DRAWING | {name: value}) not in (plain, greedy)
    neutral = {
        "top_p": 1,
        "min_p": 0,
        "top_k": 0,
        "repetition_penalty": 1.0,
        "num_beams": 1,
        "use_cache": True,
    }
    assert said(**DRAWING | neutral) == plain == said(**DRAWING | {"top_k": -1, "top_p": None})
    assert said(max_gen_toks=20, repetition_penalty=1e9) != greedy == said(max_gen_toks=20)
    assert said(max_gen_toks=20, temperature=1.0) == plain  # a temperature asks for a draw


@pytest.mark.parametrize(
    ("wishes", "words"),
    [
        ({"top_q": 0.9}, ("top_q", "top_p")),
        ({"num_beams": 4}, ("num_beams", "4", "1")),
        ({"typical_p": 0.9}, ("typical_p",)),
        ({"top_p": 1.5}, ("top_p", "1.5")),
        ({"top_p": "much"}, ("top_p", "'much'")),
        ({"top_k": 1.5}, ("top_k", "1.5")),
        ({"top_k": 28}, ("top_k", "27", "28")),
        ({"do_sample": "yes"}, ("do_sample", "'yes'")),
        ({"do_sample": False, "temperature": -1}, ("temperature", "-1")),
        ({"max_gen_toks": -1}, ("max_gen_toks", "-1")),
        ({"max_gen_toks": "many"}, ("max_gen_toks", "'many'")),
        ({"max_gen_toks": 5, "max_tokens": 6}, ("one limit", "5", "6")),
        ({"max_new_tokens": 2048}, ("2048", "length")),
        ({"until": 3}, ("until", "3")),
        ({"until": ["a", None]}, ("until", "None")),
    ],
    ids=str,
)
def test_what_cannot_be_done_is_refused(wishes: dict[str, Any], words: tuple[str, ...]):
    with pytest.raises(BadInput) as caught:
        said(**{"do_sample": True, "max_gen_toks": 9, **wishes} if "max_new_tokens" not in wishes else wishes)
    message = str(caught.value)
    assert "\n" not in message and all(word in message for word in words), message


def test_from_the_words_of_the_command(tmp_path: Path):
    torch.manual_seed(0)
    ours = LanguageModel([Mamba(6)], 256)
    checkpoints.save(tmp_path / "new", ours)
    from lm_eval.api.registry import get_model

    kind = get_model("wavetrain")
    words = f"checkpoint={tmp_path / 'new'},tokenizer=bytes,length=128"
    under = kind.create_from_arg_string(words, {"batch_size": "4", "device": None, "max_batch_size": None})
    assert (under.batch, under.length, under.text.end) == (4, 128, 0)
    ((nats, _),) = under.loglikelihood([asked("loglikelihood", "né", "e")])
    expected, _ = by_hand(ours, [ord("n"), 0xC3, 0xA9], [ord("e")])
    assert abs(nats - expected) < 1e-5
    for words, problem in (
        ("tokenizer=bytes", "checkpoint=FOLDER"),
        (f"checkpoint={tmp_path / 'new'},tokeniser=bytes", "did you mean tokenizer"),
        (f"checkpoint={tmp_path / 'new'}", "tokenizer.json"),
        (f"checkpoint={tmp_path / 'new'},tokenizer=bytes,batch_size=auto", "'auto'"),
        (f"checkpoint={tmp_path / 'new'},tokenizer=bytes,length=long", "'long'"),
        (f"checkpoint={tmp_path / 'new'},tokenizer=bytes,device=tape", "'tape'"),
        (f"checkpoint={tmp_path},tokenizer=bytes", "config.json"),
    ):
        with pytest.raises(BadInput, match=problem) as caught:
            kind.create_from_arg_string(words)
        assert "\n" not in str(caught.value)


def test_arguments_of_the_model_that_are_left_out(tmp_path: Path):
    checkpoints.save(tmp_path / "new", LanguageModel([Mamba(4)], 256))
    words = {"checkpoint": tmp_path / "new", "tokenizer": "bytes"}

    def built(config: dict[str, Any] | None = None, **more: Any) -> tuple[int | None, int]:
        under = harness.Evaluated.create_from_arg_obj({**words, **more}, config)
        assert under.eot_token_id == 0 and not under.model.training
        return under.length, under.batch

    assert built() == (2048, 1)
    assert built(length=0) == built(length=None) == built(length="0") == (None, 1)
    assert built(length=2, batch_size="3") == (2, 3)
    assert built({"batch_size": 5, "length": 7}, batch_size=3) == (
        7,
        3,
    )  # what the model is given comes first
    for more, message in (
        ({"length": -1}, "length must be a whole number of at least 0, not -1"),
        ({"length": 1}, "expected a batch of at least 1 and a length of at least 2, got 1, 1"),
        ({"batch_size": 0}, "batch_size must be a whole number of at least 1, not 0"),
        ({"batch_size": True}, "batch_size must be a whole number of at least 1, not True"),
        ({"batch_size": None}, "batch_size must be a whole number of at least 1, not None"),
    ):
        with pytest.raises(BadInput) as caught:
            built(**more)
        assert str(caught.value) == message


@pytest.mark.parametrize(
    ("wishes", "length", "limit", "stops", "temperature"),
    [
        ({}, None, 256, [], 0.0),
        ({}, 2048, 256, [], 0.0),
        ({}, 257, 256, [], 0.0),
        ({}, 256, 255, [], 0.0),
        ({"max_tokens": "7", "max_new_tokens": 7}, 8, 7, [], 0.0),
        ({"max_gen_toks": 0, "until": "a"}, 2, 0, ["a"], 0.0),
        ({"until": ("a", "", "b"), "do_sample": True}, None, 256, ["a", "b"], 1.0),
        ({"temperature": 0.5}, None, 256, [], 0.5),
        ({"temperature": 0.5, "do_sample": False}, None, 256, [], 0.0),
        ({"temperature": None, "do_sample": None, "until": None}, None, 256, [], 0.0),
    ],
)
def test_wishes_that_are_left_out(
    wishes: dict[str, Any], length: int | None, limit: int, stops: list[str], temperature: float
):
    found = harness.asked(wishes, length)
    assert (found[0], found[1], found[2].temperature) == (limit, stops, temperature)


def test_as_many_tokens_as_are_in_view_are_too_many():
    with pytest.raises(BadInput, match=r"fewer tokens to generate than the 8 in view, got 8: give a greater"):
        harness.asked({"max_tokens": 8}, 8)


def test_a_tokenizer_json(tmp_path: Path):
    import tokenizers

    words = {"<|endoftext|>": 0, "to": 1, "be": 2, "?": 3}
    made = tokenizers.Tokenizer(tokenizers.models.WordLevel(words, unk_token="?"))
    made.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    path = tmp_path / "tokenizer.json"
    made.save(str(path))
    text = harness.pieces(path)
    assert list(text.encode("to be")) == [1, 2] and text.decode([2, 1]) == "be to" and text.end == 0
    with pytest.raises(BadInput, match="expected a token '<eos>'"):
        harness.pieces(path, "<eos>")
    path.write_text("{}")
    with pytest.raises(BadInput, match=r"tokenizer\.json"):
        harness.pieces(path)


def test_the_tokenizer_that_is_named_or_the_one_of_the_folder(tmp_path: Path):
    import tokenizers

    checkpoints.save(tmp_path / "new", LanguageModel([Mamba(4)], 256))
    for place, end in ((tmp_path / "new" / "tokenizer.json", 5), (tmp_path / "other.json", 7)):
        tokenizers.Tokenizer(tokenizers.models.WordLevel({"<|endoftext|>": end}, unk_token="?")).save(
            str(place)
        )
    for words, end in (
        ({}, 5),
        ({"tokenizer": str(tmp_path / "other.json")}, 7),
        ({"tokenizer": "bytes"}, 0),
    ):
        under = harness.Evaluated.create_from_arg_obj({"checkpoint": tmp_path / "new", **words})
        assert under.eot_token_id == end
    weights = tmp_path / "new" / "model.safetensors"  # the file of weights alone: its folder counts
    assert harness.Evaluated.create_from_arg_obj({"checkpoint": weights}).eot_token_id == 5


ROWS = [("abca", ["b", "c", "d"], 0), ("ccc", ["cc", "aa", "zq"], 1), ("hello", ["w", "z", "x"], 2)]


def task(folder: Path, name: str, **words: Any) -> dict[str, Any]:
    """A task of the harness on a file of ours."""
    file = folder / "rows.json"
    rows = [{"context": context, "choices": choices, "gold": gold} for context, choices, gold in ROWS]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    shared = {"dataset_path": "json", "test_split": "test"}
    kwargs = {"data_files": {"test": str(file)}, "cache_dir": str(folder / "cache")}
    return {"task": name, **shared, "dataset_kwargs": kwargs, **words}


@pytest.fixture
def own_tasks(monkeypatch: pytest.MonkeyPatch) -> None:
    """The tasks of our files alone: the harness has thousands, and reads the file of each for seconds."""
    from lm_eval.tasks import TaskManager

    monkeypatch.setattr(TaskManager.__init__, "__defaults__", (None, None, False, None))


@pytest.mark.filterwarnings("default")  # of the packages behind the harness
def test_a_whole_evaluation(own_tasks: None, tmp_path: Path):
    """Two tasks of three rows: accuracy over choices, and the perplexity of a text."""
    import lm_eval

    network = model()
    choices = task(
        tmp_path,
        "choices",
        output_type="multiple_choice",
        doc_to_text="{{context}}",
        doc_to_choice="{{choices}}",
        doc_to_target="{{gold}}",
        target_delimiter="",
        metric_list=[{"metric": "acc"}],
    )
    texts = task(
        tmp_path,
        "texts",
        output_type="loglikelihood_rolling",
        doc_to_text="",
        doc_to_target="{{context}}",
        metric_list=[{"metric": "byte_perplexity"}],
    )
    done = lm_eval.simple_evaluate(
        harness.Evaluated(network, LETTERS, batch=2), tasks=[choices, texts], bootstrap_iters=0
    )
    assert done is not None
    right = 0
    for context, answers, gold in ROWS:
        nats = [
            by_hand(network, list(LETTERS.encode(context)), list(LETTERS.encode(one)))[0] for one in answers
        ]
        right += max(range(3), key=lambda at: nats[at]) == gold
    close(done["results"]["choices"]["acc,none"], right / 3, "accuracy, by hand")
    nats = [by_hand(network, [END], list(LETTERS.encode(context)))[0] for context, _, _ in ROWS]
    letters = sum(len(context) for context, _, _ in ROWS)
    perplexity = 2.718281828459045 ** (-sum(nats) / letters)
    close(done["results"]["texts"]["byte_perplexity,none"], perplexity, "perplexity, by hand")


def test_without_the_harness_one_line_says_so():
    script = (
        "import sys; sys.modules['lm_eval'] = None\n"
        "from wavetrain.errors import BadInput\n"
        "try:\n    import wavetrain.formats.harness\n"
        "except BadInput as error:\n    print(error)"
    )
    done = warm("-c", script)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "the harness needs the package lm_eval: pip install 'wavetrain[harness]'"


@pytest.mark.filterwarnings("default")
def test_the_command_knows_the_model(
    own_tasks: None,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
):
    """Here, where the harness is loaded already."""
    torch.manual_seed(0)
    checkpoints.save(tmp_path / "new", LanguageModel([Mamba(6)], 256))
    tasks = tmp_path / "tasks"
    tasks.mkdir()
    words = task(
        tmp_path,
        "choices",
        output_type="multiple_choice",
        doc_to_text="{{context}}",
        doc_to_choice="{{choices}}",
        doc_to_target="{{gold}}",
        metric_list=[{"metric": "acc"}],
    )
    (tasks / "choices.yaml").write_text(json.dumps(words))  # JSON is YAML
    out = tmp_path / "out"
    command = ["harness", "--model", "wavetrain", "--tasks", "choices"]
    command += ["--model_args", f"checkpoint={tmp_path / 'new'},tokenizer=bytes", "--batch_size", "2"]
    command += ["--include_path", str(tasks), "--output_path", str(out)]
    monkeypatch.setattr(sys, "argv", command)
    harness.main()
    assert torch.cuda.is_available() or "the model runs on the CPU" in caplog.text
    (path,) = out.rglob("*.json")
    assert set(json.loads(path.read_text())["results"]) == {"choices"}
    monkeypatch.setattr(sys, "argv", [word.replace("tokenizer=bytes", "speed=11") for word in command])
    with pytest.raises(SystemExit) as left:
        harness.main()
    assert left.value.code == 2
    said = capsys.readouterr().err.splitlines()[-1]
    assert said.startswith("wavetrain: no argument of the model is called 'speed'")


def test_the_module_is_the_command():
    """`python -m wavetrain.formats.harness` is the harness's own command with our model in it.

    In the place of the harness, which takes seconds to import, stands what tells of its call.
    """
    script = (
        "import runpy, sys\n"
        "from types import ModuleType\n"
        "names = ('lm_eval', 'lm_eval.utils', 'lm_eval.api', 'lm_eval.api.model', 'lm_eval.api.registry',"
        " 'lm_eval.__main__')\n"
        "for name in names:\n"
        "    sys.modules[name] = ModuleType(name)\n"
        "known = []\n"
        "sys.modules['lm_eval'].utils = sys.modules['lm_eval.utils']\n"
        "sys.modules['lm_eval.api.model'].TemplateLM = object\n"
        "kept = lambda name: known.append(name) or (lambda one: one)\n"
        "sys.modules['lm_eval.api.registry'].register_model = kept\n"
        "sys.modules['lm_eval.__main__'].cli_evaluate = lambda: print(*known, *sys.argv[1:])\n"
        "runpy.run_module('wavetrain.formats.harness', run_name='__main__', alter_sys=True)\n"
    )
    done = warm("-c", script, "--tasks", "choices")
    assert (done.returncode, done.stdout) == (0, "wavetrain --tasks choices\n"), done.stderr
