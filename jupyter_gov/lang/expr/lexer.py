"""Text -> tokens: Pebble's lexical rules in Jinja2's token stream.

Tokens carry the offset into the template where Jinja2's carry a line number; ``render`` turns offsets into line and
column. Line breaks inside the template stay as they are.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from jinja2.lexer import Lexer, Token, TokenStream

from jupyter_gov.lang.expr.faults import SyntaxFault

_OPENING = re.compile(r"\{\{|\{%|\{#")
_VERBATIM = re.compile(r"\s*verbatim\s*(-?)%\}")
_VERBATIM_END = re.compile(r"\{%(-?)\s*endverbatim\s*(-?)%\}")
_RAW = re.compile(r"-*\s*raw\s*-*()%\}")
_RAW_END = re.compile(r"\{%-*()\s*endraw\s*-*()%\}")
_SPACE = re.compile(r"\s*")
_WORD_OPERATORS = {
    "and": "and",
    "or": "or",
    "not": "not",
    "is": "is",
    "is not": "isnot",
    "contains": "contains",
    "equals": "eq",
}
_SYMBOLS = {
    "???": "undefined_coalesce",
    "??": "null_coalesce",
    "..": "range",
    "==": "eq",
    "!=": "ne",
    "<=": "lteq",
    ">=": "gteq",
    "<": "lt",
    ">": "gt",
    "+": "add",
    "-": "sub",
    "*": "mul",
    "/": "div",
    "%": "mod",
    "~": "tilde",
    "|": "pipe",
    "(": "lparen",
    ")": "rparen",
    "[": "lbracket",
    "]": "rbracket",
    "{": "lbrace",
    "}": "rbrace",
    "?": "question",
    ":": "colon",
    ".": "dot",
    ",": "comma",
    "=": "assign",
}
_PAIRS = {")": "(", "]": "[", "}": "{"}
_TOKEN = re.compile(
    r"""
      (?P<name>[^\W\d]\w*)
    | (?P<number>\d+(?:\.\d+|L(?!\w))?)
    | (?P<single>'(?:[^'\\]|\\.)*')
    | (?P<double>"(?:[^"\\\#]|\\.|\#(?!\{)|\#\{(?:[^{}"']|"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|\{[^{}]*\})*\})*")
    | (?P<symbol>\?\?\?|\?\?|\.\.|==|!=|<=|>=|[-<>+*/%~|()\[\]{}?:.,=])
    """,
    re.VERBOSE | re.DOTALL,
)
_IS_NOT = re.compile(r"\s+not(?!\w)")
_INTERPOLATION = re.compile(
    r"""\#\{((?:[^{}"']|"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|\{[^{}]*\})*)\}|\\.""", re.VERBOSE | re.DOTALL
)


class PebbleLexer(Lexer):
    """Pebble's tokens; the token types are Jinja2's where it has one."""

    def tokenize(
        self, source: str, name: str | None = None, filename: str | None = None, state: str | None = None
    ) -> TokenStream:
        """Return the token stream that the parser reads."""
        return TokenStream(_Scanner(source).tokens(), name, filename)


class _Scanner:
    """One pass over one template."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.at = 0
        self._trim_next = False

    def tokens(self) -> Iterator[Token]:
        """Yield tokens, alternating between text and what stands in delimiters."""
        while self.at < len(self.source):
            opening = _OPENING.search(self.source, self.at)
            start = opening.start() if opening else len(self.source)
            begin = self.at
            text = self._text(begin, start)
            if opening is None:
                self.at = start
                yield Token(begin, "data", text)
                return
            self.at = opening.end()
            trims = self._trims_before(opening.group())
            yield Token(begin, "data", text.rstrip() if trims else text)
            if opening.group() == "{#":
                self._comment(start)
            elif opening.group() == "{{":
                yield from self._delimited("variable", "}}", start)
            else:
                yield from self._tag(start)

    def _text(self, begin: int, end: int) -> str:
        text = self.source[begin:end]
        if self._trim_next:
            self._trim_next = False
            return text.lstrip()
        return text

    def _trims_before(self, opening: str) -> bool:
        # `{{-1}}` is a negative number: in front of an expression the dash trims only when a space follows.
        if not self.source.startswith("-", self.at):
            return False
        following = self.source[self.at + 1 : self.at + 2]
        if opening == "{{" and not following.isspace():
            return False
        if opening == "{%" and _RAW.match(self.source, self.at):
            return False
        self.at += 1
        return True

    def _comment(self, start: int) -> None:
        end = self.source.find("#}", self.at)
        if end < 0:
            raise SyntaxFault(
                "a comment is opened by `{#` and never closed by `#}`",
                offset=start,
                hint="If it belongs to a script, such as ${#name} in a shell: {% raw %}${#name}{% endraw %}.",
            )
        self._trim_next = self.source[self.at : end].endswith("-")
        self.at = end + 2

    def _tag(self, start: int) -> Iterator[Token]:
        verbatim = _VERBATIM.match(self.source, self.at)
        if verbatim:
            yield self._untouched(verbatim, _VERBATIM_END, "data", "verbatim", start)
            return
        raw = _RAW.match(self.source, self.at)
        if raw:
            # A token type of its own: the text of a raw block survives further renderings.
            # Dashes of these tags trim nothing, as in Kestra.
            yield self._untouched(raw, _RAW_END, "raw_begin", "raw", start)
            return
        yield from self._delimited("block", "%}", start)

    def _untouched(self, opening: re.Match[str], ending: re.Pattern[str], kind: str, tag: str, start: int) -> Token:
        end = ending.search(self.source, opening.end())
        if end is None:
            raise SyntaxFault(f"`{{% {tag} %}}` is never closed by `{{% end{tag} %}}`", offset=start)
        text = self.source[opening.end() : end.start()]
        text = text.lstrip() if opening.group(1) else text
        text = text.rstrip() if end.group(1) else text
        self._trim_next = bool(end.group(2))
        self.at = end.end()
        return Token(start, kind, text)

    def _delimited(self, kind: str, closing: str, start: int) -> Iterator[Token]:
        yield Token(start, f"{kind}_begin", closing)
        brackets: list[tuple[str, int]] = []
        while True:
            space = _SPACE.match(self.source, self.at)
            self.at = space.end() if space else self.at
            if not brackets and self._closes(closing):
                yield Token(self.at - 2, f"{kind}_end", closing)
                return
            if self.at >= len(self.source):
                opening, where = brackets[-1] if brackets else (self.source[start : start + 2], start)
                raise SyntaxFault(f"`{opening}` is never closed", offset=where)
            yield self._token(brackets)

    def _closes(self, closing: str) -> bool:
        dashed = self.source.startswith("-" + closing, self.at)
        if not dashed and not self.source.startswith(closing, self.at):
            return False
        self._trim_next = dashed
        self.at += 3 if dashed else 2
        return True

    def _token(self, brackets: list[tuple[str, int]]) -> Token:
        match = _TOKEN.match(self.source, self.at)
        start = self.at
        if match is None:
            raise self._unreadable(start)
        self.at = match.end()
        kind, text = str(match.lastgroup), match.group()
        if kind == "name":
            return self._word(start, text)
        if kind == "number":
            value: Any = float(text) if "." in text else _long(text, start)
            return Token(start, "float" if "." in text else "integer", value)
        if kind == "single":
            return Token(start, "string", text[1:-1].replace("\\'", "'"))
        if kind == "double":
            return Token(start, "interpolated", text[1:-1])
        self._balance(text, start, brackets)
        return Token(start, _SYMBOLS[text], text)

    def _unreadable(self, start: int) -> SyntaxFault:
        character = self.source[start]
        if character in "'\"":
            return SyntaxFault("a text is opened by a quote and never closed", offset=start)
        hints = {"&": "Write `and`.", "!": "Write `not`."}
        return SyntaxFault(f"`{character}` means nothing in an expression", offset=start, hint=hints.get(character))

    def _word(self, start: int, text: str) -> Token:
        operator = _WORD_OPERATORS.get(text)
        if operator == "is":
            negated = _IS_NOT.match(self.source, self.at)
            if negated:
                self.at = negated.end()
                return Token(start, "isnot", "is not")
        return Token(start, operator or "name", text)

    @staticmethod
    def _balance(text: str, start: int, brackets: list[tuple[str, int]]) -> None:
        if text in "([{":
            brackets.append((text, start))
        elif text in _PAIRS:
            if not brackets:
                raise SyntaxFault(f"`{text}` closes nothing", offset=start)
            if brackets[-1][0] != _PAIRS[text]:
                raise SyntaxFault(f"`{brackets[-1][0]}` is not closed before `{text}`", offset=start)
            brackets.pop()


def _long(text: str, start: int) -> int:
    value = int(text.rstrip("L")) if len(text) < 21 else 1 << 64  # CPython refuses to read very long numbers
    if value >= 1 << 63:
        raise SyntaxFault("a whole number must be below 9223372036854775808", offset=start)
    return value


def interpolations(text: str) -> Iterator[tuple[str, bool, int]]:
    """Split the inside of a double-quoted text.

    Yields
    ------
    tuple
        The part, whether it is an expression, and its offset.
    """
    literal: list[str] = []
    at = 0
    for match in _INTERPOLATION.finditer(text):
        literal.append(text[at : match.start()])
        at = match.end()
        if match.group(1) is None:
            literal.append('"' if match.group() == '\\"' else match.group())
            continue
        yield "".join(literal), False, 0
        literal = []
        yield match.group(1), True, match.start(1)
    literal.append(text[at:])
    yield "".join(literal), False, 0
