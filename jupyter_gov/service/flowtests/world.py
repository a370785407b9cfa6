"""A world for one case: a store of its own, with the flows, values and files that the flow would find."""

from __future__ import annotations

import base64
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from jupyter_gov.domain.actor import Actor
from jupyter_gov.domain.commands import Fact
from jupyter_gov.domain.flow import FlowRevision
from jupyter_gov.engine.fixtures import FIXTURE, with_fixtures
from jupyter_gov.engine.types import calls_flow
from jupyter_gov.lang.flowtest.models import FixturesSpec
from jupyter_gov.lang.models.base import is_expression
from jupyter_gov.lang.models.flow import Flow
from jupyter_gov.runtime.flows import FlowCache
from jupyter_gov.runtime.shared_files import plain_path, shared_uri
from jupyter_gov.service.wire import LocalGov, Parts
from jupyter_gov.store import Store
from jupyter_gov.store.files import digest_of
from jupyter_gov.store.kv import KeyValue
from jupyter_gov.store.namespace_files import NamespaceFile

if TYPE_CHECKING:
    from jupyter_gov.store.database import Tx

_PLACE = "jupyter_gov.tasks.fixture:Fixture"


@dataclass(frozen=True, slots=True)
class Seed:
    """What every case of a file begins with: read once from the store that people use, which is not written to.

    Attributes
    ----------
    revision, flow
        The flow that is tested.
    others
        The flows that it calls.
    values, files
        Of the namespace of the flow; files with where their content lies.
    """

    revision: FlowRevision
    flow: Flow
    others: tuple[FlowRevision, ...]
    values: tuple[KeyValue, ...]
    files: tuple[tuple[str, Path], ...]


@dataclass(frozen=True, slots=True)
class World:
    """The service over the store of one case, the flow with its fixtures, and the files of the case by name."""

    gov: LocalGov
    revision: FlowRevision
    flow: Flow
    files: Mapping[str, str]


def seed(parts: Parts, revision: FlowRevision, flow: Flow) -> Seed:
    """Read what the cases begin with."""
    store, namespace = parts.store, flow.namespace
    with store.read() as tx:
        now = parts.now()
        keys = store.kv.keys(tx, namespace, now=now)
        values = [found for key in keys if (found := store.kv.get(tx, namespace, key, now=now))]
        stored = store.namespace_files.all(tx, namespace)
    files = [(one.path, store.files.path(_content(one))) for one in stored]
    return Seed(revision, flow, _called(parts, flow), tuple(values), tuple(files))


def _content(file: NamespaceFile) -> str:
    return f"gov:///sha256/{file.digest}/{PurePosixPath(file.path).name}"


def _called(parts: Parts, flow: Flow) -> tuple[FlowRevision, ...]:
    """Return the flows that a flow calls, and those that they call, as far as their names are written out."""
    found: dict[tuple[str, str], FlowRevision] = {}
    waiting = [flow]
    while waiting:
        for namespace, flow_id in _calls(waiting.pop()):
            if (namespace, flow_id) in found or (namespace, flow_id) == (flow.namespace, flow.id):
                continue
            with parts.store.read() as tx:
                revision = parts.store.flows.get(tx, namespace, flow_id)
            if revision is not None:
                found[namespace, flow_id] = revision
                waiting.append(parts.cache.add(revision)[1])
    return tuple(found.values())


def _calls(flow: Flow) -> Iterator[tuple[str, str]]:
    for task in flow.walk():
        namespace, flow_id = task.props.get("namespace"), task.props.get("flowId")
        if calls_flow(task) and isinstance(namespace, str) and isinstance(flow_id, str):
            namespace = flow.namespace if namespace.replace(" ", "") == "{{flow.namespace}}" else namespace
            if not is_expression(namespace) and not is_expression(flow_id):
                yield namespace, flow_id


@contextmanager
def world(parts: Parts, begin: Seed, fixtures: FixturesSpec, actor: Actor) -> Iterator[World]:
    """Yield a world that nothing survives.

    Raises
    ------
    StoreError
        There is no room for it.
    """
    with TemporaryDirectory(prefix="jupyter-gov-test-") as folder:
        gov = _opened(parts, Path(folder))
        try:
            files = _furnish(gov.parts, begin, fixtures, actor)
            flow = with_fixtures(begin.flow, fixtures.tasks, files)
            revision = _stored(gov.parts, begin.revision)
            gov.parts.cache.pin(revision, flow)
            for other in begin.others:
                _stored(gov.parts, other)
            yield World(gov, revision, flow, files)
        finally:
            gov.close()


def _opened(parts: Parts, folder: Path) -> LocalGov:
    store = Store.open(str(folder / "test.db"), files_root=folder / "files")
    registry = parts.registry.also({FIXTURE: _PLACE})
    return LocalGov(
        Parts(
            config=parts.config,
            store=store,
            registry=registry,
            cache=FlowCache(store, registry),
            access=parts.access,
            run_as=parts.run_as,
            settings={**parts.settings, "encryption.key": parts.settings.get("encryption.key") or _key()},
        )
    )


def _key() -> str:
    # What a case seals nobody opens later: where no key is set, one that is thrown away will do.
    return base64.b64encode(os.urandom(32)).decode()


def _stored(parts: Parts, revision: FlowRevision) -> FlowRevision:
    # The history of this store begins here: whatever revision it was, it is the first one.
    first = replace(revision, revision=1)
    subject = f"{first.namespace}/{first.flow_id}"
    fact = Fact("flow.registered", subject, first.author, "os", {"revision": 1, "digest": first.digest})
    parts.store.retrying(lambda tx: parts.store.flows.add(tx, first, (fact,)))
    return first


def _furnish(parts: Parts, begin: Seed, fixtures: FixturesSpec, actor: Actor) -> Mapping[str, str]:
    """Put values and files into the store, and return the URIs of the case's own files by name."""
    store, now, namespace = parts.store, parts.now(), begin.flow.namespace

    def values(tx: Tx) -> None:
        for one in begin.values:
            fact = Fact("kv.set", one.key, actor.id, str(actor.assurance), {})
            store.kv.put(tx, namespace, one.key, one.value, fact, kind=one.type, now=now, expires_at=one.expires_at)

    if begin.values:
        store.retrying(values)
    contents: dict[str, Path | bytes] = dict(begin.files)
    contents |= {plain_path(name): text.encode() for name, text in fixtures.files.items()}
    for path, content in contents.items():
        uri = store.files.put("gov:///sha256", content, PurePosixPath(path).name)
        file = NamespaceFile(namespace, path, digest_of(uri), store.files.size(uri), now)
        fact = Fact("namespaceFile.set", path, actor.id, str(actor.assurance), {})
        store.retrying(partial(store.namespace_files.put, file=file, fact=fact))
    return {name: shared_uri(namespace, plain_path(name)) for name in fixtures.files}
