"""From a path to YAML nodes: what can be wrong with a file before its keys are looked at.

Why: a missing file, a tab or an unclosed bracket deserves a place and a remedy as much as a wrong
key does, and the parser's own words are for those who know its grammar.
Must not: repeat text of the file in a message, since where the syntax is broken, it may be a
credential; or take more than bounded time and memory.
"""

from __future__ import annotations

import re
from pathlib import Path

import yaml
from yaml.reader import Reader

from router.config.problems import START, Mark, Report
from router.config.watching import stamp

MOST_BYTES = 1024**2
# The deepest path of the schema has eight steps.
MOST_LEVELS = 32
# A thousand providers with ten models each stay well below it.
MOST_VALUES = 50_000
# How many unquoted variables are named in one go: each costs another pass.
_MOST_REPAIRS = 20

_BARE_VARIABLE = re.compile(r"\$\{[^}\n]*\}?")
_BOM = b"\xef\xbb\xbf"
_TOO_DEEP = "too deep"
_TOO_MANY = "too many"
_BRACKETS = "separate entries by commas, close the bracket, quote text with special characters"
_CLOSED = "close it, or quote the text if it only holds that character"
# What the parser says, in the order in which it is looked for, and what that means.
_MEANING = (
    (_TOO_DEEP, f"nested deeper than {MOST_LEVELS} levels", "is it the right file?"),
    (_TOO_MANY, f"more than {MOST_VALUES:,} values", "is it the right file?"),
    ("character '\\t'", "a tab where only spaces can stand", "indent with spaces"),
    ("cannot start any token", "text begins with a character that YAML reserves", "quote it"),
    ("mapping values are not", "a colon where no key can be", "quote the text, or align the keys"),
    ("could not find expected ':'", "a line without a colon", "write it as `key: value`"),
    ("unexpected end of stream", "a quote that is never closed", "close it"),
    ("but got '<stream end>'", "a bracket that is never closed", _CLOSED),
    ("expected ',' or", "an entry of the list or mapping in brackets ends wrongly", _BRACKETS),
    ("expected the node content", "a value is missing here", "quote it if it begins specially"),
    ("expected a comment or a line break", "> begins a block of text in YAML", "quote it: '>8k'"),
    ("indentation indicator", "> begins a block of text in YAML", "quote it: '>8k'"),
    ("expected <block end>", "the indentation does not fit", "align it with its neighbours"),
    ("sequence entries are not", "a list entry where none can be", "put it on a line of its own"),
    ("undefined alias", "an alias (*) without an anchor (&)", "quote text that begins with *"),
    ("second occurrence", "an anchor (&) with a name that is taken", "give it another name"),
    ("another document", "a second document", "keep one: remove the line `---`"),
    ("unknown escape", "a backslash that YAML does not know", "use single quotes"),
    ("tag", "a tag (!) that is not known", "remove it, or quote text that begins with !"),
)
_UNCLEAR = ("", "this is not valid YAML", "check quotes, brackets and indentation here")


def compose(path: Path, report: Report) -> yaml.Node | None:
    """The file's root node, or None. Problems go to `report`."""
    text = contents(path, report)
    return None if text is None else composed(text, report)


def contents(path: Path, report: Report) -> str | None:
    """The file's text, or None. Problems go to `report`."""
    content = _content(path, report)
    return None if content is None else _text(content, report)


def composed(text: str, report: Report) -> yaml.Node | None:
    """The root node of a text, or None. Problems go to `report`."""
    odd = Reader.NON_PRINTABLE.search(text)
    if odd is not None:
        what = f"a control character (U+{ord(odd[0]):04X})"
        report.problem(_end(text[: odd.start()]), what, "remove it")
        return None
    for _ in range(_MOST_REPAIRS):
        loader = _Loader(text, report.file)
        try:
            node = loader.get_single_node()
        except yaml.MarkedYAMLError as error:
            repaired = _without_bare_variable(text, error, report)
            if repaired is None:
                _explain(error, report)
                return None
            text = repaired
        except (ValueError, OverflowError):  # a number in an escape or a directive
            _, what, remedy = _UNCLEAR
            report.problem(place(loader.get_mark()), what, remedy)
            return None
        else:
            if node is None:
                report.problem(START, "the file is empty", "begin it with `version: 1`")
            return node
        finally:
            loader.dispose()
    return None


def place(mark: yaml.Mark) -> Mark:
    """A place of the parser's, counted from 1."""
    return Mark(mark.line + 1, mark.column + 1, mark.name or "")


def _content(path: Path, report: Report) -> bytes | None:
    report.files[path] = stamp(path)  # before it is read: a change after this one is another
    try:
        with path.open("rb") as file:
            content = file.read(MOST_BYTES + 1)
    except FileNotFoundError:
        report.problem(START, "there is no such file", "check the path")
    except IsADirectoryError:
        report.problem(START, "this is a directory", "name the file in it")
    except (OSError, ValueError) as error:  # ValueError: a zero byte in the path
        reason = error.strerror if isinstance(error, OSError) else "not a path"
        report.problem(START, f"the file cannot be read: {reason}", "check the path and its rights")
    else:
        if len(content) <= MOST_BYTES:
            report.contents.append(content)
            return content
        report.problem(START, "the file is larger than 1 MiB", "is it the right file?")
    return None


def _text(content: bytes, report: Report) -> str | None:
    remedy = "save it as UTF-8 without a byte order mark"
    if content.startswith(_BOM):
        report.problem(START, "the file begins with a byte order mark", remedy)
        content = content.removeprefix(_BOM)
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        before = content[: error.start].decode()
        report.problem(_end(before), "the file is not UTF-8 text", remedy)
        return None
    return text


def _end(text: str) -> Mark:
    return Mark(text.count("\n") + 1, len(text) - text.rfind("\n"))


class _Loader(yaml.SafeLoader):
    """Composes nodes, but not without bounds."""

    def __init__(self, text: str, file: str) -> None:
        super().__init__(text)
        self.name = file  # which the parser's marks carry
        self._levels = 0
        self._values = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        self._levels += 1
        self._values += 1
        if self._levels > MOST_LEVELS or self._values > MOST_VALUES:
            problem = _TOO_DEEP if self._levels > MOST_LEVELS else _TOO_MANY
            raise yaml.MarkedYAMLError(
                problem=problem, problem_mark=parent.start_mark if parent else None
            )
        node = super().compose_node(parent, index)
        self._levels -= 1
        return node


def _without_bare_variable(text: str, error: yaml.MarkedYAMLError, report: Report) -> str | None:
    """If a `${` in brackets is what the parser fell over, report it and return text without it.

    What replaces it has the same length and no meaning, so that the rest is still checked, and in
    its true place.
    """
    mark = error.problem_mark
    bare = _BARE_VARIABLE.match(text, mark.index - 1) if mark and mark.index else None
    if mark is None or bare is None:
        return None
    what = "a variable without quotes inside {…} or […]"
    report.problem(Mark(mark.line + 1, mark.column), what, 'quote it: "${NAME}"')
    return text[: bare.start()] + "x" * len(bare[0]) + text[bare.end() :]


def _explain(error: yaml.MarkedYAMLError, report: Report) -> None:
    problem = error.problem or ""
    _, what, remedy = next((m for m in _MEANING if m[0] in problem), _UNCLEAR)
    told_late = "never closed" in what or "without a colon" in what
    mark = (told_late and error.context_mark) or error.problem_mark
    report.problem(place(mark) if mark else START, what, remedy)
