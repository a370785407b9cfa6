"""Finds task types: a light catalogue per plugin package, classes imported only when a flow names them.

A package offers types through the entry-point group ``jupyter_gov.tasks``; the entry point loads a mapping of
type name -> ``module:Class``. A plugin that cannot be imported is reported by ``problem`` and ``problems``, and
never stops the others.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from importlib.metadata import entry_points
from threading import RLock

from jupyter_gov.errors import InstallationError
from jupyter_gov.lang.ports import TypeInfo
from jupyter_gov.plugins.api import TypedModel

GROUP = "jupyter_gov.tasks"


class Registry:
    """All task types of this installation; implements ``lang.ports.TypeCatalogue``.

    Parameters
    ----------
    extra
        Further types, type name -> ``module:Class``, for tests and for plugins under development.
    """

    def __init__(self, extra: Mapping[str, str] | None = None) -> None:
        self._lock = RLock()
        self._extra = dict(extra or {})
        self._places: dict[str, tuple[str, str]] | None = None
        self._infos: dict[str, TypeInfo] = {}
        self._problems: dict[str, str] = {}

    def also(self, extra: Mapping[str, str]) -> Registry:
        """Return a registry that knows these types besides."""
        return Registry({**self._extra, **extra})

    def _catalogue(self) -> Mapping[str, tuple[str, str]]:
        with self._lock:
            if self._places is None:
                self._places = {}
                for point in entry_points(group=GROUP):
                    self._read(point.name, point.load)
                self._add("extra", self._extra)
            return self._places

    def _read(self, plugin: str, load: object) -> None:
        try:
            catalogue = load() if callable(load) else load
            self._add(plugin, catalogue)
        except Exception as error:  # noqa: BLE001 - somebody else's import may raise anything; it must not stop us
            self._problems[plugin] = f"plugin {plugin!r} cannot be loaded: {type(error).__name__}: {error}"

    def _add(self, plugin: str, catalogue: object) -> None:
        if not isinstance(catalogue, Mapping):
            self._problems[plugin] = f"plugin {plugin!r} offers no mapping of type names but {type(catalogue).__name__}"
            return
        places = self._places if self._places is not None else {}
        for name, place in catalogue.items():
            places.setdefault(str(name), (plugin, str(place)))

    def find(self, name: str) -> TypeInfo | None:
        """Return the type of this name or alias, or None if there is none or its class cannot be imported."""
        with self._lock:
            known = self._infos.get(name)
            if known is not None:
                return known
            place = self._catalogue().get(name)
            if place is None or name in self._problems:
                return None
            try:
                info = self._import(*place).info()
            except Exception as error:  # noqa: BLE001 - see _read
                self._problems[name] = f"type {name!r} cannot be loaded: {type(error).__name__}: {error}"
                return None
            self._infos[name] = info
            return info

    @staticmethod
    def _import(plugin: str, place: str) -> type[TypedModel]:
        module, _, attribute = place.partition(":")
        found = getattr(importlib.import_module(module), attribute)
        if not (isinstance(found, type) and issubclass(found, TypedModel)):
            raise TypeError(f"{place} of plugin {plugin!r} is no task type")
        return found

    def load(self, name: str) -> type[TypedModel]:
        """Return the class of a type.

        Raises
        ------
        InstallationError
            ``GOV901``: no plugin offers it, or its plugin is broken.
        """
        info = self.find(name)
        if info is None:
            reason = self.problem(name) or f"no installed plugin offers the type {name!r}"
            raise InstallationError(
                reason, code="GOV901", hint="Install the plugin that offers it, or correct the type."
            )
        model = info.model
        if not issubclass(model, TypedModel):
            raise InstallationError(f"{name!r} is no task type", code="GOV901")
        return model

    def names(self) -> Sequence[str]:
        """Return all type names, aliases left out as far as that is known without imports.

        Those with a ``$`` are parts of other types, which nobody writes.
        """
        names = (name for name in self._catalogue() if not name.startswith("io.kestra.core.tasks."))
        return sorted(name for name in names if "$" not in name)

    def problem(self, name: str) -> str | None:
        """Return why the plugin that offers ``name`` could not be loaded, if so."""
        self._catalogue()
        return self._problems.get(name)

    def problems(self) -> Mapping[str, str]:
        """Return everything that could not be loaded, for ``jupyter gov doctor``."""
        self._catalogue()
        return dict(self._problems)
