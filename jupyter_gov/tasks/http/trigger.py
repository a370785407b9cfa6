"""A trigger that asks a web server; it is checked, and does not fire yet."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from jupyter_gov.lang.models.scalars import IsoDuration
from jupyter_gov.plugins.api import Dynamic
from jupyter_gov.plugins.api import Trigger as BaseTrigger
from jupyter_gov.tasks.http.base import Asking


class Trigger(Asking, BaseTrigger):
    """Start an execution when the answer of a web server, asked again and again, meets a condition.

    It is checked and does not fire in this version. A Schedule trigger and a Request task do the same meanwhile.
    """

    type_name = "io.kestra.plugin.core.http.Trigger"
    aliases = ("io.kestra.plugin.fs.http.Trigger",)
    examples: ClassVar[tuple[str, ...]] = (
        """\
id: when-there
type: io.kestra.plugin.core.http.Trigger
uri: https://example.com/data.csv
interval: PT5M
responseCondition: "{{ response.statusCode < 400 }}"
""",
    )

    interval: Dynamic[IsoDuration] | None = Field(default=None, description="How often to ask; every minute if absent.")
    response_condition: str = Field(
        default="{{ response.statusCode < 400 }}",
        description="When to start: sees `response.statusCode`, `response.body` and `response.headers`.",
    )
    encrypt_body: Dynamic[bool] = Field(default=False, description="Hand the body on sealed.")
