"""The sandboxed Jinja2 environment that speaks Pebble."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Final

from jinja2 import Template, nodes
from jinja2.lexer import Lexer
from jinja2.sandbox import ImmutableSandboxedEnvironment

from jupyter_gov.lang.expr import library
from jupyter_gov.lang.expr.analysis import advice, paths
from jupyter_gov.lang.expr.codegen import Compiled, PebbleCodeGenerator
from jupyter_gov.lang.expr.faults import LimitFault, SyntaxFault
from jupyter_gov.lang.expr.lexer import PebbleLexer
from jupyter_gov.lang.expr.limits import DEFAULT
from jupyter_gov.lang.expr.tags import PebbleParser

_KEPT: Final = 4096
_LONG: Final = 50_000


class PebbleEnvironment(ImmutableSandboxedEnvironment):
    """Compiles templates; holds no globals, so that nothing of Jinja2's own can be named.

    The generated code reaches values only through ``operators``; the sandbox underneath refuses whatever a change of
    Jinja2 might let through.
    """

    code_generator_class = PebbleCodeGenerator

    def __init__(self) -> None:
        super().__init__(autoescape=False, cache_size=0, optimized=False, keep_trailing_newline=True)
        self.globals.clear()
        self.filters: dict[str, Any] = dict(library.FILTERS)
        self.tests: dict[str, Any] = dict(library.TESTS)
        self.functions: dict[str, Any] = dict(library.FUNCTIONS)
        self._pebble_lexer = PebbleLexer(self)

    @property
    def lexer(self) -> Lexer:
        """Return the lexer of the dialect."""
        return self._pebble_lexer

    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        return PebbleParser(self, source, name, filename).parse()

    def tree(self, text: str) -> nodes.Template:
        """Parse a template.

        Raises
        ------
        SyntaxFault
            It is not one.
        """
        return self._parse(text, None, None)

    def compiled(self, text: str) -> Compiled:
        """Return a template ready to run; those used lately are kept.

        Raises
        ------
        SyntaxFault
            It is not one.
        """
        return _kept(text) if len(text) <= _LONG else self.fresh(text)

    def fresh(self, text: str) -> Compiled:
        """Parse and compile a template.

        Raises
        ------
        SyntaxFault
            It is not one.
        """
        if len(text) > DEFAULT.template_characters:
            raise LimitFault(f"a template has at most {DEFAULT.template_characters} characters")
        if text.count("{{") + text.count("{%") > DEFAULT.template_tags:
            raise LimitFault(f"a template has at most {DEFAULT.template_tags} expressions and tags")
        try:
            tree = self.tree(text)
            # Looked at first: Jinja2's compiler may change the tree.
            reads, better = paths(tree), tuple(advice(tree, text))
            code = self.compile(tree)
        except (SyntaxError, RecursionError, MemoryError) as error:
            raise SyntaxFault("the template is nested too deeply") from error
        module = Template.from_code(self, code, {}).root_render_func.__globals__
        return Compiled(text, module["root"], module["expression"], module["blocks"], reads, better)


ENVIRONMENT: Final = PebbleEnvironment()


@lru_cache(_KEPT)
def _kept(text: str) -> Compiled:
    return ENVIRONMENT.fresh(text)
