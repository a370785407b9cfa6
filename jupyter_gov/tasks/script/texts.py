"""The texts of a script task, rendered once its folder is known: they may name ``workingDir`` and ``outputFiles``."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Annotated, Any, Self

from pydantic import AfterValidator, Field, ValidationError

from jupyter_gov.errors import TaskError
from jupyter_gov.plugins.api import GovModel, is_template
from jupyter_gov.plugins.binding import problems
from jupyter_gov.plugins.context import RunContext
from jupyter_gov.tasks.workspace import inside


def _only_template(value: str) -> str:
    if not is_template(value):
        raise ValueError("a list or a map, or an expression that gives one")
    return value


Template = Annotated[str, AfterValidator(_only_template)]
"""An expression for a list or a map, which the task renders itself."""


class Texts(GovModel):
    """What a script task runs, ready to be written down."""

    env: dict[str, str] = Field(default_factory=dict)
    before_commands: list[str] = Field(default_factory=list)
    commands: list[str] = Field(default_factory=list)
    script: str = ""

    @classmethod
    def rendered(cls, ctx: RunContext, output_files: Sequence[str], **raw: Any) -> Self:
        """Render and check the given properties.

        Raises
        ------
        TaskError
            ``GOV801``: a rendered value is not what its property wants.
        """
        outputs = {name: str(inside(ctx.working_dir, name, "outputFiles")) for name in output_files}
        extra = {"workingDir": str(ctx.working_dir), "outputFiles": outputs}
        values = {name: ctx.render(value, extra) for name, value in raw.items()}
        for name in ("env", "before_commands", "commands"):
            if isinstance(values.get(name), str):
                values[name] = _from_json(values[name])
        try:
            return cls.model_validate(values)
        except ValidationError as error:
            raise TaskError(f"{'; '.join(problems(error))}.", code="GOV801") from error


def _from_json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text
