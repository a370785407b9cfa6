"""What lasts: SQL tables and files. The only place that knows SQLAlchemy; values cross as domain objects."""

from jupyter_gov.store.store import Store

__all__ = ["Store"]
