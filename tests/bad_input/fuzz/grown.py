"""Random flows: grown from the shape of the language, and from its JSON Schema."""

from __future__ import annotations

from functools import cache
from random import Random
from typing import Any

from jupyter_gov.lang.schema import flow_schema
from jupyter_gov.plugins.registry import Registry
from tests.bad_input.fuzz import expressions

CORE = "io.kestra.plugin.core."
NASTY: tuple[Any, ...] = (
    None, "", " ", 0, -1, 1.5, float("inf"), 10**30, True, [], {}, [None], [[]], {"": None}, {"a": {"b": []}}, "null", "~",
    "yes", "0x1F", "1_000", "12:30:45", "2026-13-45", "PT", "P1Y2M", "-PT5S", "PT999999999999H", "\u0000", "\u202e", "\ud7ff",
    "\ufeff", "\x85", "\u2028", "é" * 50, "x" * 5000, "{{", "}}", "{{ 1 / 0 }}", "{{ inputs }}", "../../etc/passwd", "@hourly",
    "* * * * * * *", "a" * 300, "a b", "tasks", "__proto__", "id: x", "- a", "&a", "*a", "!!python/name:os.system",
)  # fmt: skip
_FLOWABLES = ("Sequential", "Parallel", "Dag", "If", "Switch", "ForEach", "EachSequential", "EachParallel", "AllowFailure",
              "LoopUntil", "Pause")  # fmt: skip
_INPUTS = ("STRING", "INT", "FLOAT", "BOOLEAN", "DATE", "DATETIME", "TIME", "DURATION", "JSON", "YAML", "ARRAY", "SELECT",
           "MULTISELECT", "URI", "EMAIL", "FILE", "SECRET", "BOOL", "ENUM")  # fmt: skip
_CRON = ("@daily", "@yearly", "0 0 30 2 *", "0 0 29 2 MON#5", "0 2 * * SUN", "59 23 31 12 *", "@reboot")
_TIMES = (
    ("*", "*/5", "0", "59", "1-5", "5,10"),
    ("*", "0", "2", "*/7"),
    ("*", "31", "29", "L", "1,15"),
    ("*", "2", "FEB", "1-3"),
    ("*", "MON-FRI", "0", "7", "1#5", "5L"),
)
_ODD_TIMES = ("*/0", "60", "W", "?", "0-99999", "2/3", "", "-1", "JAN#9", "\u0660")


class Plausible:
    """Grows a flow that is mostly right: harmless tasks, all kinds of branches, expressions of the grammar."""

    def __init__(self, rng: Random) -> None:
        self.rng = rng
        self.count = 0

    def flow(self) -> dict[str, Any]:
        """Return a flow."""
        rng = self.rng
        flow: dict[str, Any] = {"id": "f", "namespace": rng.choice(["n", "company.team", "a.b.c"])}
        if rng.random() < 0.9:
            flow["inputs"] = [self.input(name) for name in ("a", "b")]
        if rng.random() < 0.9:
            flow["variables"] = {"n": 3, "list": [1, "x", None], "map": {"a": 1}, "text": rng.choice(expressions.TEXTS)}
        if rng.random() < 0.3:
            flow["labels"] = {"team": rng.choice(["risk", "{{ flow.id }}"])}
        flow["tasks"] = self.tasks(2)
        for name, part in (("errors", 0.15), ("finally", 0.1), ("afterExecution", 0.1)):
            if rng.random() < part:
                flow[name] = self.tasks(1)
        if rng.random() < 0.2:
            flow["outputs"] = [{"id": "o", "type": rng.choice(_INPUTS), "value": self.text()}]
        if rng.random() < 0.1:
            flow["retry"] = self.retry(["RETRY_FAILED_TASK", "CREATE_NEW_EXECUTION"])
        if rng.random() < 0.05:
            flow["pluginDefaults"] = [{"type": CORE + "log.Log", "values": {"message": self.text()}}]
        if rng.random() < 0.15:
            flow["triggers"] = [self.trigger("s")]
        return flow

    def trigger(self, name: str) -> dict[str, Any]:
        """Return a trigger."""
        rng = self.rng
        made: dict[str, Any] = {"id": name}
        match rng.randrange(4):
            case 0:
                made |= {
                    "type": CORE + "trigger.ScheduleOnDates",
                    "dates": rng.choice(
                        [["2026-03-01T00:00:00Z"], self.text(), ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"]]
                    ),
                }
            case 1:
                made |= {"type": CORE + "trigger.Flow", "inputs": {"a": self.text()}, "states": ["SUCCESS"]}
            case _:
                made |= {"type": CORE + "trigger.Schedule", "cron": self.cron(), "inputs": {"a": self.text()}}
                if rng.random() < 0.2:
                    made |= {"withSeconds": True, "cron": f"*/20 {made['cron']}"}
        if rng.random() < 0.3 and ("dates" in made or "cron" in made):
            made["timezone"] = rng.choice(
                ["Europe/Berlin", "UTC", "America/New_York", "Asia/Kathmandu", "Nowhere/City"]
            )
        if rng.random() < 0.5:
            made["conditions"] = [self.condition() for _ in range(rng.randint(1, 2))]
        return made

    def cron(self) -> str:
        """Return something like a cron line."""
        rng = self.rng
        if rng.random() < 0.3:
            return rng.choice(_CRON)
        parts = [rng.choice(_ODD_TIMES) if rng.random() < 0.06 else rng.choice(place) for place in _TIMES]
        return " ".join(parts[: rng.choice([4, 5, 5, 5, 5, 5, 5])])

    def condition(self, depth: int = 1) -> dict[str, Any]:
        """Return a condition of a trigger."""
        rng = self.rng
        if depth and rng.random() < 0.2:
            return {"type": CORE + "condition." + rng.choice(["Not", "Or"]), "conditions": [self.condition(0)]}
        kind, props = rng.choice(
            [
                ("DayWeek", {"dayOfWeek": rng.choice(["MONDAY", "SUNDAY", "NODAY"])}),
                ("DayWeekInMonth", {"dayOfWeek": "MONDAY", "dayInMonth": rng.choice(["FIRST", "LAST", "FIFTH"])}),
                ("Weekend", {}),
                (
                    "PublicHoliday",
                    {"country": rng.choice(["DE", "XX", "US", self.text()]), "subDivision": rng.choice(["BY", "ZZ"])},
                ),
                (
                    "DateTimeBetween",
                    {"after": rng.choice(["2026-01-01T00:00:00Z", self.text()]), "before": "9999-12-31T23:59:59Z"},
                ),
                ("TimeBetween", {"after": rng.choice(["10:00:00+01:00", "25:00", self.text()])}),
                ("Expression", {"expression": self.text()}),
            ]
        )
        return {"type": f"{CORE}condition.{kind}", **props}

    def text(self) -> str:
        """Return a template, seldom one that is refused at once."""
        return expressions.template(self.rng) if self.rng.random() < 0.02 else expressions.sound(self.rng)

    def input(self, name: str) -> dict[str, Any]:
        """Return the declaration of an input."""
        rng = self.rng
        made: dict[str, Any] = {"id": name, "type": rng.choice(_INPUTS), "required": rng.random() < 0.2}
        if made["type"] in {"SELECT", "MULTISELECT", "ENUM"}:
            made["values"] = ["a", "b"]
        if made["type"] == "ARRAY":
            made["itemType"] = rng.choice(_INPUTS[:8])
        if rng.random() < 0.3 and made["type"] != "FILE":
            made["defaults"] = rng.choice(["a", 1, "{{ 1 + 1 }}", "2026-01-01", "PT1M", True, ["a"], self.text()])
        return made

    def tasks(self, depth: int) -> list[dict[str, Any]]:
        """Return a list of tasks."""
        return [self.task(depth) for _ in range(self.rng.randint(1, 3))]

    def task(self, depth: int) -> dict[str, Any]:
        """Return a task."""
        rng = self.rng
        self.count += 1
        task: dict[str, Any] = {"id": f"t{self.count}"}
        if depth > 0 and rng.random() < 0.45:
            kind = rng.choice(_FLOWABLES)
            task["type"] = f"{CORE}flow.{kind}"
            task.update(self._flowable(kind, depth - 1))
        else:
            task.update(self._work())
        for name, part in (
            ("runIf", 0.1),
            ("disabled", 0.03),
            ("allowFailure", 0.08),
            ("timeout", 0.05),
            ("retry", 0.08),
        ):
            if rng.random() < part:
                task[name] = self._common(name)
        return task

    def _common(self, name: str) -> Any:
        match name:
            case "runIf":
                return self.rng.choice(["true", "false", "{{ false }}", self.text()])
            case "timeout":
                return self.rng.choice(["PT10S", "{{ 'PT1M' }}", "PT0S"])
            case "retry":
                return self.retry(["RETRY_FAILED_TASK"])
        return True

    def retry(self, behaviors: list[str]) -> dict[str, Any]:
        """Return a retry policy."""
        rng = self.rng
        made = {"maxAttempts": rng.randint(1, 3), "behavior": rng.choice(behaviors)}
        match rng.randrange(3):
            case 0:
                return {"type": "constant", "interval": "PT1S", **made}
            case 1:
                return {"type": "exponential", "interval": "PT1S", "maxInterval": "PT5S", **made}
            case _:
                return {"type": "random", "minInterval": "PT1S", "maxInterval": "PT2S", **made}

    def _work(self) -> dict[str, Any]:
        rng = self.rng
        text = self.text()
        return rng.choice(
            [
                {"type": CORE + "log.Log", "message": text},
                {"type": CORE + "debug.Return", "format": text},
                {"type": CORE + "output.OutputValues", "values": {"a": text, "b": [1, text]}},
                {"type": CORE + "execution.Fail", "condition": text},
                {"type": CORE + "execution.Assert", "conditions": [text]},
                {"type": CORE + "execution.Labels", "labels": {"team": text}},
                {"type": CORE + "kv.Set", "key": "k", "value": text},
            ]
        )

    def _flowable(self, kind: str, depth: int) -> dict[str, Any]:
        rng = self.rng
        made: dict[str, Any] = {}
        if rng.random() < 0.15:
            made["errors"] = self.tasks(0)
        if rng.random() < 0.1:
            made["finally"] = self.tasks(0)
        many = rng.choice([["a", "b"], [1, 2, 3], "[1, 2]", "{{ [1, 2, 3] }}", {"x": 1}, self.text(), list(range(30))])
        match kind:
            case "If":
                return {
                    "condition": self.text(),
                    "then": self.tasks(depth),
                    "else": self.tasks(depth),
                    **made,
                }
            case "Switch":
                made["value"] = rng.choice(["a", "z", self.text()])
                return {"cases": {"a": self.tasks(depth), "b": self.tasks(0)}, "defaults": self.tasks(0), **made}
            case "Dag":
                inner = self.tasks(depth)
                return {
                    "tasks": [
                        {"task": one, "dependsOn": [p["id"] for p in inner[:at]][:1]} for at, one in enumerate(inner)
                    ],
                    **made,
                }
            case "ForEach":
                return {"values": many, "concurrencyLimit": rng.randint(0, 3), "tasks": self.tasks(depth), **made}
            case "EachSequential" | "EachParallel":
                return {"value": many, "tasks": self.tasks(depth), **made}
            case "LoopUntil":
                made["checkFrequency"] = {"maxIterations": rng.randint(1, 4), "interval": "PT0.1S"}
                return {"condition": self.text(), "tasks": self.tasks(depth), **made}
            case "Pause":
                return rng.choice(
                    [
                        {},
                        {"delay": "PT1M"},
                        {"pauseDuration": "PT1H", "behavior": "WARN"},
                        {"onResume": [self.input("x")]},
                    ]
                )
        return {"tasks": self.tasks(depth), **made}


@cache
def _schema() -> dict[str, Any]:
    return flow_schema(Registry())


class FromSchema:
    """Grows whatever the JSON Schema of the language allows, and now and then what it does not."""

    def __init__(self, rng: Random) -> None:
        self.rng = rng
        self.schema = _schema()
        self.count = 0
        self.left = 120

    def flow(self) -> Any:
        """Return a flow."""
        made = self.grow(self.schema, 0)
        if isinstance(made, dict):
            made.update({"id": "f", "namespace": "n"})
        return made

    def grow(self, schema: Any, depth: int) -> Any:
        """Return a value for a schema."""
        rng = self.rng
        self.left -= 1
        if not isinstance(schema, dict) or rng.random() < 0.002:
            return rng.choice(NASTY)
        if "$ref" in schema:
            return self.grow(self._named(schema["$ref"], depth), depth + 1)
        for name in ("anyOf", "oneOf"):
            if name in schema:
                rest = {key: value for key, value in schema.items() if key != name}
                picked = rng.choice(schema[name])
                return self.grow({**rest, **picked} if isinstance(picked, dict) else picked, depth)
        if "const" in schema or "enum" in schema:
            return rng.choice(schema.get("enum") or [schema["const"]])
        kind = schema.get("type")
        if isinstance(kind, list):
            kind = rng.choice(kind)
        if kind == "object" or "properties" in schema:
            return self._object(schema, depth)
        if kind == "array":
            return [
                self.grow(schema.get("items"), depth + 1)
                for _ in range(rng.randint(1, 2) if depth < 9 and self.left > 0 else 0)
            ]
        return self._scalar(kind, schema)

    def _named(self, ref: str, depth: int) -> Any:
        name = ref.removeprefix("#/$defs/").replace("~1", "/").replace("~0", "~")
        if name != "Task":
            return self.schema["$defs"].get(name)
        types = [key for key in self.schema["$defs"] if ":" not in key and "." in key and ".trigger." not in key]
        deep = depth > 8 or self.left < 0
        name = CORE + "log.Log" if deep else self.rng.choice(types)
        found = self.schema["$defs"][name]
        head = {"id": {"type": "string"}, "type": {"const": name}}
        return {
            **found,
            "properties": {**found.get("properties", {}), **head},
            "required": [*found.get("required", ()), *head],
        }

    def _object(self, schema: dict[str, Any], depth: int) -> dict[str, Any]:
        rng, made = self.rng, {}
        required = set(schema.get("required", ()))
        for name, inner in schema.get("properties", {}).items():
            if name in required or (rng.random() < 0.12 and depth < 9 and self.left > 0):
                made[name] = self.grow(inner, depth + 1)
        if "id" in made:
            self.count += 1
            made["id"] = f"g{self.count}"
        extra = schema.get("additionalProperties")
        if isinstance(extra, dict) and not made:
            made = {f"k{at}": self.grow(extra, depth + 1) for at in range(rng.randint(0, 2))}
        if rng.random() < 0.01:
            made[rng.choice(["unknown", "", "on", "type", "null"])] = rng.choice(NASTY)
        return made

    def _scalar(self, kind: Any, schema: dict[str, Any]) -> Any:
        rng = self.rng
        match kind:
            case "integer":
                return rng.choice([schema.get("minimum", 0), 1, 2, 10, -1, 10**12])
            case "number":
                return rng.choice([0, 0.5, 1, -2.5, 1e300])
            case "boolean":
                return rng.random() < 0.5
            case "null":
                return None
            case "string" if schema.get("format") == "duration":
                return rng.choice(["PT1S", "P1D", "PT0.5S"])
        examples = schema.get("examples") or ["a", "b", "PT1S", "1", "x.txt"]
        return rng.choice(examples) if rng.random() < 0.8 else expressions.sound(rng)
