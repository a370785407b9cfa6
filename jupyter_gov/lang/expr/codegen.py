"""Nodes -> Python, by Jinja2's code generator with Pebble's meaning of every node.

What is written calls only ``runtime`` and ``State``: no attribute of a Python object is ever read and no Python object
is ever called on behalf of a template, so that there is nothing to escape from.
"""

# ruff: noqa: N802  (the visitor finds its methods by the names of Jinja2's nodes)

from __future__ import annotations

import math
from collections.abc import Callable as Function
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from jinja2 import nodes
from jinja2.compiler import CodeGenerator, Frame

from jupyter_gov.lang.expr import runtime
from jupyter_gov.lang.expr.faults import SyntaxFault
from jupyter_gov.lang.expr.names import Invocation, check_arguments, named, target_of
from jupyter_gov.lang.expr.registry import FUNCTIONS
from jupyter_gov.lang.expr.state import State

_COMPARE = {"lt": "<", "lteq": "<=", "gt": ">", "gteq": ">="}


@dataclass(frozen=True, slots=True)
class Compiled:
    """A template ready to run.

    Attributes
    ----------
    root
        Writes the output.
    expression
        Returns the value, if the template is a single ``{{ }}``.
    paths, advice
        What ``analysis`` says of it.
    """

    text: str
    root: Function[[State], None]
    expression: Function[[State], Any] | None
    blocks: Mapping[str, Function[[State], None]]
    paths: frozenset[tuple[str, ...]]
    advice: tuple[tuple[str, str, int], ...]


class PebbleCodeGenerator(CodeGenerator):
    """Writes a module with ``root``, ``expression``, macros and blocks."""

    def visit_Template(self, node: nodes.Template, frame: Frame | None = None) -> None:
        """Write the whole module."""
        frame = Frame(nodes.EvalContext(self.environment))
        self._names: dict[tuple[str, str], str] = {}
        self._macro_names = {macro.name: f"macro_{i}" for i, macro in enumerate(node.find_all(nodes.Macro))}
        self._block_names = {id(block): f"block_{i}" for i, block in enumerate(node.find_all(nodes.Block))}
        self.writeline("from jupyter_gov.lang.expr.runtime import " + ", ".join(runtime.__all__))
        single = _single(node)
        self._function("root", node.body, frame)
        for block in node.find_all(nodes.Block):
            self._function(self._block_names[id(block)], block.body, frame)
        for macro in node.find_all(nodes.Macro):
            self._write_macro(macro, frame)
        self.writeline("expression = None" if single is None else "expression = lambda s: ")
        if single is not None:
            self.visit(single, frame)
        for (kind, name), variable in self._names.items():
            self.writeline(f"{variable} = environment.{kind}s[{name!r}]")
        blocks = ", ".join(f"{block.name!r}: {self._block_names[id(block)]}" for block in node.find_all(nodes.Block))
        self.writeline(f"blocks = {{{blocks}}}")
        self.writeline("name = None")
        self.writeline("debug_info = ''")

    def _function(self, name: str, body: Iterable[nodes.Node], frame: Frame) -> None:
        self.writeline(f"def {name}(s):", extra=1)
        self._block(body, frame)

    def _block(self, body: Iterable[nodes.Node], frame: Frame) -> None:
        self.indent()
        self.blockvisit(body, frame)
        self.outdent()

    def _write_macro(self, node: nodes.Macro, frame: Frame) -> None:
        name = self._macro_names[node.name]
        self._function(f"{name}_body", node.body, frame)
        self.writeline(f"{name} = Macro({node.name!r}, {{")
        for argument, default in zip(node.args, node.defaults, strict=True):
            self.write(f"{argument.name!r}: lambda s: ")
            self.visit(default, frame)
            self.write(", ")
        self.write(f"}}, {name}_body)")

    # -- statements

    def visit_Output(self, node: nodes.Output, frame: Frame) -> None:
        """Write text, the text of a raw block, or a value."""
        for child in node.nodes:
            if isinstance(child, nodes.TemplateData):
                self.writeline(f"s.write({child.data!r})")
            elif isinstance(child, nodes.MarkSafe):
                self.writeline("s.write(s.raw(")
                self.visit(child.expr, frame)
                self.write("))")
            else:
                self.writeline(f"s.at = {node.lineno}")
                self.writeline("s.print(")
                self.visit(child, frame)
                self.write(")")

    def visit_If(self, node: nodes.If, frame: Frame) -> None:
        """Write if, its elseif branches as nested else, and else."""
        self._condition("if", node, frame)
        for branch in node.elif_:
            self._condition("elif", branch, frame)
        if node.else_:
            self.writeline("else:")
            self._block(node.else_, frame)

    def _condition(self, word: str, node: nodes.If, frame: Frame) -> None:
        if word == "if":
            self.writeline(f"s.at = {node.lineno}")
        self.writeline(f"{word} truth(")
        self.visit(node.test, frame)
        self.write("):")
        self._block(node.body, frame)

    def visit_For(self, node: nodes.For, frame: Frame) -> None:
        """Write a loop over what ``State.loop`` yields."""
        passes = self.temporary_identifier()
        self.writeline(f"s.at = {node.lineno}")
        self.writeline(f"{passes} = s.loop(")
        self.visit(node.iter, frame)
        self.write(f", {named(node.target)!r}, {node.iter.lineno})")
        self.writeline(f"for _ in {passes}:")
        self._block(node.body, frame)
        if node.else_:
            self.writeline(f"if {passes}.empty:")
            self._block(node.else_, frame)

    def visit_Assign(self, node: nodes.Assign, frame: Frame) -> None:
        """Write ``set``."""
        self.writeline(f"s.at = {node.lineno}")
        self.writeline(f"s.assign({named(node.target)!r}, ")
        self.visit(node.node, frame)
        self.write(")")

    def visit_Macro(self, node: nodes.Macro, frame: Frame) -> None:
        """Write nothing here: macros are known before the template starts."""

    def visit_Block(self, node: nodes.Block, frame: Frame) -> None:
        """Write the block at its place."""
        self.writeline(f"{self._block_names[id(node)]}(s)")

    def visit_FilterBlock(self, node: nodes.FilterBlock, frame: Frame) -> None:
        """Write the text of the block through its filters."""
        body = self.temporary_identifier()
        self._function(body, node.body, frame)
        self.writeline(f"s.at = {node.lineno}")
        self.writeline("s.print(")
        self._filter_text = f"s.capture({body})"
        self.visit(node.filter, frame)
        self.write(")")

    # -- expressions

    def visit_Name(self, node: nodes.Name, frame: Frame) -> None:
        """Look a variable up."""
        self.write(f"s.lookup({node.name!r}, {node.lineno})")

    def visit_Const(self, node: nodes.Const, frame: Frame) -> None:
        """Write a literal."""
        infinite = isinstance(node.value, float) and math.isinf(node.value)
        self.write("float('inf')" if infinite else repr(node.value))

    def visit_Getattr(self, node: nodes.Getattr, frame: Frame) -> None:
        """Write ``a.b``."""
        self._attribute(node, nodes.Const(node.attr), frame)

    def visit_Getitem(self, node: nodes.Getitem, frame: Frame) -> None:
        """Write ``a[b]``."""
        self._attribute(node, node.arg, frame)

    def _attribute(self, node: nodes.Getattr | nodes.Getitem, key: nodes.Expr, frame: Frame) -> None:
        if isinstance(node.node, nodes.Name):
            root = node.node
            self._write_call("root_attribute", frame, root, root.name, root.lineno, key, node.lineno)
        else:
            self._write_call("attribute", frame, node.node, key, node.lineno)

    def visit_List(self, node: nodes.List, frame: Frame) -> None:
        """Write a list literal."""
        self.write("[")
        for item in node.items:
            self.visit(item, frame)
            self.write(", ")
        self.write("]")

    def visit_Dict(self, node: nodes.Dict, frame: Frame) -> None:
        """Write a map literal."""
        self.write("mapping(")
        for pair in node.items:
            self._write_call("", frame, pair.key, pair.value)
            self.write(", ")
        self.write(")")

    def _write_call(self, name: str, frame: Frame, *parts: nodes.Expr | str | int | _Code) -> None:
        self.write(f"{name}(")
        for index, part in enumerate(parts):
            if index:
                self.write(", ")
            if isinstance(part, nodes.Expr):
                self.visit(part, frame)
            else:
                self.write(part.source if isinstance(part, _Code) else repr(part))
        self.write(")")

    def visit_Add(self, node: nodes.BinExpr, frame: Frame) -> None:
        """Write ``+``."""
        self._write_call("add", frame, node.left, node.right, _BUDGET)

    def visit_Sub(self, node: nodes.BinExpr, frame: Frame) -> None:
        """Write ``-``."""
        self._write_call("sub", frame, node.left, node.right, _BUDGET)

    def visit_Mul(self, node: nodes.BinExpr, frame: Frame) -> None:
        """Write ``*``."""
        self._write_call("mul", frame, node.left, node.right)

    def visit_Div(self, node: nodes.BinExpr, frame: Frame) -> None:
        """Write ``/``."""
        self._write_call("div", frame, node.left, node.right)

    def visit_Mod(self, node: nodes.BinExpr, frame: Frame) -> None:
        """Write ``%``."""
        self._write_call("mod", frame, node.left, node.right)

    def visit_Neg(self, node: nodes.UnaryExpr, frame: Frame) -> None:
        """Write unary ``-``."""
        self._write_call("neg", frame, node.node)

    def visit_Pos(self, node: nodes.UnaryExpr, frame: Frame) -> None:
        """Write unary ``+``."""
        self._write_call("pos", frame, node.node)

    def visit_Not(self, node: nodes.UnaryExpr, frame: Frame) -> None:
        """Write ``not``."""
        self.write("(not ")
        self._write_call("truth", frame, node.node)
        self.write(")")

    def visit_And(self, node: nodes.BinExpr, frame: Frame) -> None:
        """Write ``and``, which leaves its right side alone if the left is false."""
        self._short_circuit(node, "and", frame)

    def visit_Or(self, node: nodes.BinExpr, frame: Frame) -> None:
        """Write ``or``, which leaves its right side alone if the left is true."""
        self._short_circuit(node, "or", frame)

    def _short_circuit(self, node: nodes.BinExpr, word: str, frame: Frame) -> None:
        self.write("(")
        self._write_call("truth", frame, node.left)
        self.write(f" {word} ")
        self._write_call("truth", frame, node.right)
        self.write(")")

    def visit_CondExpr(self, node: nodes.CondExpr, frame: Frame) -> None:
        """Write ``test ? yes : no``."""
        if node.expr2 is None:
            raise SyntaxFault("`? :` needs a value for false", offset=node.lineno)
        self.write("(")
        self.visit(node.expr1, frame)
        self._write_call(" if condition", frame, node.test)
        self.write(" else ")
        self.visit(node.expr2, frame)
        self.write(")")

    def visit_Compare(self, node: nodes.Compare, frame: Frame) -> None:
        """Write a comparison or ``contains``."""
        operand = node.ops[0]
        if operand.op in _COMPARE:
            self._write_call("less", frame, node.expr, operand.expr, _COMPARE[operand.op])
        elif operand.op == "contains":
            self._write_call("contains", frame, node.expr, operand.expr, _BUDGET)
        else:
            name = "(not equal" if operand.op == "ne" else "equal"
            self._write_call(name, frame, node.expr, operand.expr, _BUDGET)
            self.write(")" if operand.op == "ne" else "")

    def visit_Concat(self, node: nodes.Concat, frame: Frame) -> None:
        """Write ``~``."""
        self.write("concat((")
        for part in node.nodes:
            self.visit(part, frame)
            self.write(", ")
        self.write("), s.budget)")

    def visit_Filter(self, node: nodes.Filter, frame: Frame) -> None:
        """Write a filter, or one of the operators that travel as filters."""
        if node.name == ".." and node.node is not None:
            self._write_call("span", frame, node.node, node.args[0], 1, _BUDGET)
        elif node.name in ("??", "???") and node.node is not None:
            self.write("coalesce(s, lambda: ")
            self.visit(node.node, frame)
            self.write(", lambda: ")
            self.visit(node.args[0], frame)
            self.write(f", {node.name == '??'})")
        else:
            self._invocation("filter", node, frame)

    def visit_Test(self, node: nodes.Test, frame: Frame) -> None:
        """Write ``is NAME``."""
        self._invocation("test", node, frame)

    def visit_Call(self, node: nodes.Call, frame: Frame, forward_caller: bool = False) -> None:
        """Write a call of a function or macro."""
        name = named(node.node)
        if name not in FUNCTIONS and name in self._macro_names:
            self.write(f"{self._macro_names[name]}(s, {node.lineno}")
            self._arguments(node, frame, {})
            self.write(")")
            return
        self._invocation("function", node, frame)

    def _invocation(self, kind: str, node: Invocation, frame: Frame) -> None:
        name = named(node.node) if isinstance(node, nodes.Call) else node.name
        target = target_of(kind, name, node.lineno, self._macro_names)
        check_arguments(kind, target, node)
        variable = self._names.setdefault((kind, name), f"{kind}_{len(self._names)}")
        self.write(f"call(s, {node.lineno}, {variable}")
        if not isinstance(node, nodes.Call):
            self.write(", lambda: " if target.lazy else ", ")
            if node.node is None:
                self.write(self._filter_text)
            else:
                self.visit(node.node, frame)
        self._arguments(node, frame, {one.name: one.keyword for one in target.parameters})
        self.write(")")

    def _arguments(self, node: Invocation, frame: Frame, keywords: Mapping[str, str]) -> None:
        # Those of filters and functions go by keyword, since their names are known; a macro sorts its own.
        pairs = [(str(pair.key), pair.value) for pair in node.kwargs]
        if keywords:
            pairs = [*zip(keywords, node.args, strict=False), *pairs]
        else:
            for argument in node.args:
                self.write(", ")
                self.visit(argument, frame)
        if not pairs:
            return
        self.write(", **{")
        for name, value in pairs:
            self.write(f"{keywords.get(name, name)!r}: ")
            self.visit(value, frame)
            self.write(", ")
        self.write("}")


@dataclass(frozen=True, slots=True)
class _Code:
    source: str


_BUDGET = _Code("s.budget")


def _single(node: nodes.Template) -> nodes.Expr | None:
    """Return the expression of a template that is nothing else."""
    if len(node.body) != 1 or not isinstance(node.body[0], nodes.Output):
        return None
    (child,) = node.body[0].nodes
    return None if isinstance(child, (nodes.TemplateData, nodes.MarkSafe)) else child
