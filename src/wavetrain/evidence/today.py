"""How results stand with the code as it is now."""

from wavetrain import find
from wavetrain.evidence import code
from wavetrain.evidence.result import CONFIRMED, OLDER, OPEN, STALE, Result

MEANING = {
    CONFIRMED: "the code behind these figures is the same today, or does the same when it is replayed",
    STALE: "the code behind these figures has changed, and does something else when it is replayed",
    OLDER: "these figures were measured before results kept what a replay needs",
    OPEN: "the code behind these figures has changed, and was not replayed since",
}


def digest(experiment: str) -> str:
    """Of the code behind an experiment; empty where there is none of that name."""
    paths = [one.path for one in find.members("experiments") if one.name == experiment]
    return code.digest(paths) if paths else ""


def standing(result: Result) -> str:
    """One of the words above."""
    return result.standing(digest(result.experiment) if result.code else "")
