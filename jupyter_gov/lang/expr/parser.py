"""Expressions -> Jinja2 nodes, with Pebble's precedences and nothing of Jinja2's that Pebble lacks.

Precedence climbs from the ternary (lowest) through the table below to the unary operators. ``a ?? b``, ``a ??? b`` and
``a..b`` become ``Filter`` nodes under those names, since Jinja2 has no node for them and does not admit new ones.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable
from typing import Final, TypeVar

from jinja2 import nodes
from jinja2.lexer import Token, TokenStream
from jinja2.parser import Parser

from jupyter_gov.lang.expr.faults import SyntaxFault
from jupyter_gov.lang.expr.lexer import interpolations

_T = TypeVar("_T")
_UNARY: Final = {"not": nodes.Not, "add": nodes.Pos, "sub": nodes.Neg}
_UNARY_PRECEDENCE: Final = 500
_BINARY: Final[dict[str, int]] = {
    "or": 10,
    "and": 15,
    "is": 20,
    "isnot": 20,
    "contains": 20,
    "eq": 30,
    "ne": 30,
    "gt": 30,
    "lt": 30,
    "gteq": 30,
    "lteq": 30,
    "add": 40,
    "sub": 40,
    "mul": 60,
    "div": 60,
    "mod": 60,
    "pipe": 100,
    "tilde": 110,
    "range": 120,
    "null_coalesce": 120,
    "undefined_coalesce": 120,
}
_SIMPLE: Final[dict[str, type[nodes.BinExpr]]] = {
    "or": nodes.Or,
    "and": nodes.And,
    "add": nodes.Add,
    "sub": nodes.Sub,
    "mul": nodes.Mul,
    "div": nodes.Div,
    "mod": nodes.Mod,
}
_LAZY: Final = {"range": "..", "null_coalesce": "??", "undefined_coalesce": "???"}
CONSTANTS: Final[dict[str, bool | None]] = {
    "true": True,
    "TRUE": True,
    "false": False,
    "FALSE": False,
    "null": None,
    "NULL": None,
    "none": None,
    "NONE": None,
}
_WORDS: Final = frozenset({"name", "and", "or", "not", "is", "contains"})
_MAX_DEPTH: Final = 60


class ExpressionParser(Parser):
    """Parses what stands between ``{{`` and ``}}``."""

    _depth = 0

    def parse_expression(self, with_condexpr: bool = True) -> nodes.Expr:
        """Parse one expression, ternary included."""
        return self.deeper(self._ternary)

    def expect(self, kind: str, wanted: str) -> Token:
        """Return the next token and go on, or say what was expected."""
        token = self.stream.current
        if token.type != kind:
            raise SyntaxFault(f"{wanted} is expected instead of {_describe(token)}", offset=token.lineno)
        return next(self.stream)

    def deeper(self, parse: Callable[[], _T]) -> _T:
        """Call ``parse`` one level down, so that no template exhausts the stack."""
        self._depth += 1
        if self._depth > _MAX_DEPTH:
            raise SyntaxFault("the template is nested too deeply", offset=self.stream.current.lineno)
        result = parse()
        self._depth -= 1
        return result

    def _ternary(self) -> nodes.Expr:
        condition = self._binary(0)
        token = self.stream.current
        if not self.stream.skip_if("question"):
            return condition
        yes = self.parse_expression()
        self.expect("colon", "`:` and the value for false")
        return nodes.CondExpr(condition, yes, self.parse_expression(), lineno=token.lineno)

    def _binary(self, minimum: int) -> nodes.Expr:
        left = self._operand()
        chained = 0
        while True:
            token = self.stream.current
            precedence = _BINARY.get(token.type, -1)
            if precedence < minimum:
                return left
            chained += 1
            if chained > 2 * _MAX_DEPTH:
                raise SyntaxFault("too many operators in one expression", offset=token.lineno)
            next(self.stream)
            left = self._operation(token, left, precedence)

    def _operation(self, token: Token, left: nodes.Expr, precedence: int) -> nodes.Expr:
        if token.type == "pipe":
            return self.parse_filter_call(left)
        if token.type in ("is", "isnot"):
            return self._test(token, left)
        right = self._binary(precedence + 1)
        if token.type in _SIMPLE:
            return _SIMPLE[token.type](left, right, lineno=token.lineno)
        if token.type in _LAZY:
            return nodes.Filter(left, _LAZY[token.type], [right], [], None, None, lineno=token.lineno)
        if token.type == "tilde":
            parts = left.nodes if isinstance(left, nodes.Concat) else [left]
            return nodes.Concat([*parts, right], lineno=token.lineno)
        operand = nodes.Operand(token.type, right, lineno=token.lineno)
        return nodes.Compare(left, [operand], lineno=token.lineno)

    def _operand(self) -> nodes.Expr:
        token = self.stream.current
        unary = _UNARY.get(token.type)
        if unary is not None:
            next(self.stream)
            child = self.deeper(lambda: self._binary(_UNARY_PRECEDENCE))
            return unary(child, lineno=token.lineno)
        if token.type == "lparen":
            next(self.stream)
            inner = self.parse_expression()
            self.expect("rparen", "`)`")
            return self._postfix(inner)
        if token.type == "lbracket":
            return self._list()
        if token.type == "lbrace":
            return self._map()
        return self._postfix(self._primary())

    def _primary(self) -> nodes.Expr:
        token = next(self.stream)
        if token.type == "name":
            if token.value in CONSTANTS:
                return nodes.Const(CONSTANTS[token.value], lineno=token.lineno)
            name = nodes.Name(token.value, "load", lineno=token.lineno)
            return self._call(name) if self.stream.current.type == "lparen" else name
        if token.type in ("integer", "float", "string"):
            return nodes.Const(token.value, lineno=token.lineno)
        if token.type == "interpolated":
            return self._interpolated(token)
        raise SyntaxFault(f"a value is expected instead of {_describe(token)}", offset=token.lineno)

    def _interpolated(self, token: Token) -> nodes.Expr:
        parts: list[nodes.Expr] = []
        for text, is_expression, at in interpolations(token.value):
            if is_expression:
                parts.append(self._embedded(text, token.lineno + 1 + at))
            elif text:
                parts.append(nodes.Const(text, lineno=token.lineno))
        if not parts:
            return nodes.Const("", lineno=token.lineno)
        if len(parts) == 1 and isinstance(parts[0], nodes.Const):
            return parts[0]
        return nodes.Concat(parts, lineno=token.lineno)

    def _embedded(self, text: str, offset: int) -> nodes.Expr:
        outer = self.stream
        # The delimiters are two characters wide; offsets inside count from the surrounding template.
        inner = self.environment._tokenize("{{" + text + "}}", None)
        shifted = (Token(token.lineno + offset - 2, token.type, token.value) for token in inner)
        self.stream = TokenStream(iter(list(shifted)), None, None)
        self.stream.skip(2)  # an empty text and the delimiter
        try:
            node = self.parse_expression()
            self.expect("variable_end", "the end `}` of the expression")
        finally:
            self.stream = outer
        return node

    def _postfix(self, node: nodes.Expr) -> nodes.Expr:
        while True:
            token = self.stream.current
            if token.type == "dot":
                next(self.stream)
                node = self._attribute(node)
            elif token.type == "lbracket":
                next(self.stream)
                node = nodes.Getitem(node, self.parse_expression(), "load", lineno=token.lineno)
                self.expect("rbracket", "`]`")
            elif token.type == "lparen":
                raise SyntaxFault("only a function can be called", offset=token.lineno, hint="Values have no methods.")
            else:
                return node

    def _attribute(self, node: nodes.Expr) -> nodes.Expr:
        token = next(self.stream)
        if token.type not in _WORDS and token.value not in ("equals", "is not"):
            hint = "A name with other characters is written in brackets: `a['b-c']`."
            raise SyntaxFault(
                f"a name is expected after `.` instead of {_describe(token)}", offset=token.lineno, hint=hint
            )
        return nodes.Getattr(node, str(token.value), "load", lineno=token.lineno)

    def _list(self) -> nodes.List:
        token = next(self.stream)
        items: list[nodes.Expr] = []
        while self.stream.current.type != "rbracket":
            if items:
                self.expect("comma", "`,` or `]`")
            items.append(self.parse_expression())
        next(self.stream)
        return nodes.List(items, lineno=token.lineno)

    def _map(self) -> nodes.Dict:
        token = next(self.stream)
        pairs: list[nodes.Pair] = []
        while self.stream.current.type != "rbrace":
            if pairs:
                self.expect("comma", "`,` or `}`")
            key = self.parse_expression()
            self.expect("colon", "`:` and the value of the key")
            pairs.append(nodes.Pair(key, self.parse_expression(), lineno=key.lineno))
        next(self.stream)
        return nodes.Dict(pairs, lineno=token.lineno)

    def parse_filter_call(self, node: nodes.Expr | None) -> nodes.Filter:
        """Parse the name and arguments of a filter on ``node``."""
        token = self.expect("name", "the name of a filter")
        args, kwargs = self._arguments() if self.stream.current.type == "lparen" else ([], [])
        return nodes.Filter(node, token.value, args, kwargs, None, None, lineno=token.lineno)

    def _test(self, operator: Token, left: nodes.Expr) -> nodes.Expr:
        token = self.expect("name", "the name of a test")
        args, kwargs = self._arguments() if self.stream.current.type == "lparen" else ([], [])
        test = nodes.Test(left, token.value, args, kwargs, None, None, lineno=token.lineno)
        return test if operator.type == "is" else nodes.Not(test, lineno=operator.lineno)

    def _call(self, name: nodes.Name) -> nodes.Call:
        args, kwargs = self._arguments()
        return nodes.Call(name, args, kwargs, None, None, lineno=name.lineno)

    def _arguments(self) -> tuple[list[nodes.Expr], list[nodes.Keyword]]:
        args: list[nodes.Expr] = []
        kwargs: list[nodes.Keyword] = []
        next(self.stream)
        while self.stream.current.type != "rparen":
            if args or kwargs:
                self.expect("comma", "`,` or `)`")
            token = self.stream.current
            if token.type == "name" and self.stream.look().type == "assign":
                self.stream.skip(2)
                kwargs.append(nodes.Keyword(token.value, self.parse_expression(), lineno=token.lineno))
                continue
            if kwargs:
                raise SyntaxFault("arguments without a name come before those with one", offset=token.lineno)
            args.append(self.parse_expression())
        next(self.stream)
        return args, kwargs


def did_you_mean(name: str, known: Iterable[str]) -> str | None:
    """Return the hint for a misspelt name."""
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    return f"Did you mean `{close[0]}`?" if close else None


def _describe(token: Token) -> str:
    if token.type == "eof":
        return "the end"
    return f"`{token.value}`"
