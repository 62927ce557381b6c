"""From a module docstring to HTML, Markdown or a terminal: paragraphs, lists, and equations as typed.

A line that is indented by four or more belongs to a preformatted block, a paragraph of `- ` lines to a list.
An example begins with `>>>` and ends at an empty line; it stays as typed, too.
Words between backquotes become code; an arXiv id or a DOI becomes a link. All else is escaped.
"""

import re
import textwrap

from markupsafe import Markup, escape

from wavetrain.report.bibtex import ARXIV, DOI

INLINE = re.compile(rf"`([^`\n]+)`|({ARXIV.pattern})|({DOI.pattern})", re.IGNORECASE)


def prose(text: str) -> Markup:
    """The HTML of a docstring."""
    return Markup("\n").join(_block(block) for block in _blocks(text))


def plain(text: str, width: int) -> str:
    """The docstring with paragraphs and lists filled to a width; equations keep their lines."""
    blocks = []
    for lines in _blocks(text):
        if _as_typed(lines[0]):
            blocks.append("\n".join(lines))
        else:
            parts = re.split(r"\n(?=- )", "\n".join(lines))
            filled = [textwrap.fill(" ".join(part.split()), width, break_long_words=False) for part in parts]
            blocks.append("\n".join(filled))
    return "\n\n".join(blocks)


def markdown(text: str) -> str:
    """The Markdown of a docstring."""
    blocks = []
    for lines in _blocks(text):
        if _as_typed(lines[0]):
            kind = "pycon" if _example(lines[0]) else "text"
            blocks.append(f"```{kind}\n" + textwrap.dedent("\n".join(lines)).replace("```", "") + "\n```")
        elif lines[0].startswith("- "):
            items = re.split(r"\n- ", "\n".join(lines)[2:])
            blocks.append("\n".join("- " + escaped(" ".join(item.split())) for item in items))
        else:
            blocks.append(escaped(" ".join(" ".join(lines).split())))
    return "\n\n".join(blocks)


def escaped(text: str) -> str:
    """The Markdown of a phrase: code and links, and all else as it is written."""
    parts, end = [], 0
    for match in INLINE.finditer(text):
        parts += [_plain(text[end : match.start()]), match[0] if match[1] else _markdown_link(match)]
        end = match.end()
    return "".join([*parts, _plain(text[end:])])


def _plain(text: str) -> str:
    return re.sub(r"([\\`*_{}\[\]<>|#~$^+=!-])", r"\\\1", re.sub(r"^(\s*\d+)([.)])", r"\1\\\2", text))


def _markdown_link(match: re.Match[str]) -> str:
    return f"[{_plain(match[0])}]({_address(match)})"


def inline(text: str) -> Markup:
    """The HTML of a phrase: code and links, all else escaped."""
    parts, end = [], 0
    for match in INLINE.finditer(text):
        parts += [escape(text[end : match.start()]), _link(match)]
        end = match.end()
    return Markup("").join([*parts, escape(text[end:])])


def _link(match: re.Match[str]) -> Markup:
    if match[1]:
        return Markup("<code>{}</code>").format(match[1])
    return Markup('<a href="{}" rel="external noreferrer">{}</a>').format(_address(match), match[0])


def _address(match: re.Match[str]) -> str:
    _, arxiv, arxiv_id, _, doi_id = match.groups()
    return f"https://arxiv.org/abs/{arxiv_id}" if arxiv else f"https://doi.org/{doi_id}"


def _blocks(text: str) -> list[list[str]]:
    """Runs of lines that are all indented, or all not; a blank line inside an indented run stays in it.

    The lines of an example are one run, whether what it prints is indented or not.
    """
    blocks: list[list[str]] = []
    blank = True
    for line in text.expandtabs().splitlines():
        if not line.strip():
            blank = True
            continue
        first = blocks[-1][0] if blocks else ""
        same = bool(blocks) and not _example(first) and _indented(line) == _indented(first)
        if not blank and _example(first):
            blocks[-1].append(line)
        elif same and (not blank or _indented(line)):
            blocks[-1] += ["", line] if blank else [line]
        else:
            blocks.append([line])
        blank = False
    return blocks


def _indented(line: str) -> bool:
    return line.startswith("    ")


def _example(line: str) -> bool:
    return line.startswith(">>>")


def _as_typed(line: str) -> bool:
    return _indented(line) or _example(line)


def _block(lines: list[str]) -> Markup:
    if _as_typed(lines[0]):
        return Markup('<pre tabindex="0">{}</pre>').format(textwrap.dedent("\n".join(lines)))
    joined = "\n".join(lines)
    if joined.startswith("- "):
        items = re.split(r"\n- ", joined[2:])
        return Markup("<ul>{}</ul>").format(
            Markup("").join(Markup("<li>{}</li>").format(inline(" ".join(item.split()))) for item in items)
        )
    return Markup("<p>{}</p>").format(inline(joined))
