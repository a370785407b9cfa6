"""The tags of a template: if, for, set, macro, block, filter; and the text between them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from jinja2 import nodes
from jinja2.lexer import Token

from jupyter_gov.lang.expr.faults import SyntaxFault, UnknownNameFault
from jupyter_gov.lang.expr.parser import CONSTANTS, ExpressionParser, did_you_mean

_TAGS: Final = ("if", "for", "set", "macro", "block", "filter", "verbatim", "raw")


class PebbleParser(ExpressionParser):
    """Parses one template; line numbers of its nodes are offsets."""

    _open_tag = 0

    def subparse(self, end_tokens: tuple[str, ...] | None = None) -> list[nodes.Node]:
        """Parse text, expressions and tags up to one of ``end_tokens`` or the end."""
        body: list[nodes.Node] = []
        while self.stream:
            token = next(self.stream)
            if token.type == "data":
                if token.value:
                    body.append(nodes.Output([nodes.TemplateData(token.value, lineno=token.lineno)]))
            elif token.type == "raw_begin":
                body.append(nodes.Output([nodes.MarkSafe(nodes.Const(token.value))], lineno=token.lineno))
            elif token.type == "variable_begin":
                body.append(nodes.Output([self.parse_expression()], lineno=token.lineno))
                self.expect("variable_end", "the end `}}` of the expression")
            else:
                tag = self.stream.current
                if end_tokens is not None and tag.value in end_tokens:
                    return body
                body.append(self.parse_statement())
                self.expect("block_end", "the end `%}` of the tag")
        if end_tokens is not None:
            last = end_tokens[-1]
            raise SyntaxFault(f"`{{% {last} %}}` is missing", offset=self._open_tag)
        return body

    def parse_statement(self) -> nodes.Node:
        """Parse one tag up to its end tag."""
        token = self.stream.current
        if token.type != "name":
            raise SyntaxFault("a tag starts with its name", offset=token.lineno)
        parse: Callable[[Token], nodes.Node] | None = getattr(self, f"_tag_{token.value}", None)
        if parse is None:
            raise _unknown_tag(token)
        next(self.stream)
        return self.deeper(lambda: parse(token))

    def _body(self, opening: Token, *end_tokens: str) -> tuple[list[nodes.Node], str]:
        self.expect("block_end", "the end `%}` of the tag")
        outer, self._open_tag = self._open_tag, opening.lineno
        body = self.subparse(end_tokens)
        self._open_tag = outer
        return body, str(next(self.stream).value)

    def _tag_if(self, token: Token) -> nodes.If:
        result = node = nodes.If(lineno=token.lineno)
        result.elif_, result.else_ = [], []
        while True:
            node.test = self.parse_expression()
            node.body, end = self._body(token, "elseif", "else", "endif")
            if end != "elseif":
                break
            node = nodes.If(lineno=self.stream.current.lineno)
            node.elif_, node.else_ = [], []
            result.elif_.append(node)
        if end == "else":
            result.else_, _ = self._body(token, "endif")
        return result

    def _tag_for(self, token: Token) -> nodes.For:
        target = self._variable()
        word = self.stream.current
        if word.value != "in":
            raise SyntaxFault("`for NAME in LIST` is expected", offset=word.lineno)
        next(self.stream)
        items = self.parse_expression()
        body, end = self._body(token, "else", "endfor")
        else_: list[nodes.Node] = []
        if end == "else":
            else_, _ = self._body(token, "endfor")
        return nodes.For(target, items, body, else_, None, False, lineno=token.lineno)

    def _tag_set(self, token: Token) -> nodes.Assign:
        target = self._variable()
        self.expect("assign", "`=`")
        return nodes.Assign(target, self.parse_expression(), lineno=token.lineno)

    def _tag_macro(self, token: Token) -> nodes.Macro:
        name = self._variable().name
        self.expect("lparen", "`(`")
        args: list[nodes.Name] = []
        defaults: list[nodes.Expr] = []
        while self.stream.current.type != "rparen":
            if args:
                self.expect("comma", "`,` or `)`")
            args.append(self._variable("param"))
            given = self.stream.skip_if("assign")
            defaults.append(self.parse_expression() if given else nodes.Const(None))
        next(self.stream)
        body, _ = self._body(token, "endmacro")
        self.stream.skip_if("name")
        return nodes.Macro(name, args, defaults, body, lineno=token.lineno)

    def _tag_block(self, token: Token) -> nodes.Block:
        name = next(self.stream)
        if name.type not in ("name", "string", "interpolated"):
            raise SyntaxFault("a block needs a name", offset=name.lineno)
        body, _ = self._body(token, "endblock")
        if self.stream.current.type in ("name", "string", "interpolated"):
            next(self.stream)
        return nodes.Block(str(name.value), body, False, False, lineno=token.lineno)

    def _tag_filter(self, token: Token) -> nodes.FilterBlock:
        # The innermost filter stands on the text of the block, which is not known yet.
        node: nodes.Expr | None = None
        while True:
            node = self.parse_filter_call(node)
            if not self.stream.skip_if("pipe"):
                break
        body, _ = self._body(token, "endfilter")
        return nodes.FilterBlock(body, node, lineno=token.lineno)

    def _variable(self, context: str = "store") -> nodes.Name:
        token = self.expect("name", "a name")
        if token.value in CONSTANTS:
            raise SyntaxFault(f"`{token.value}` cannot be a variable", offset=token.lineno)
        return nodes.Name(token.value, context, lineno=token.lineno)


def _unknown_tag(token: Token) -> UnknownNameFault:
    name = str(token.value)
    if name.startswith("end") or name in ("else", "elseif"):
        return UnknownNameFault(f"`{{% {name} %}}` closes nothing", code="GOV152", offset=token.lineno)
    hint = did_you_mean(name, _TAGS) or f"The tags are: {', '.join(_TAGS)}."
    return UnknownNameFault(f"no tag is called `{name}`", offset=token.lineno, hint=hint)
