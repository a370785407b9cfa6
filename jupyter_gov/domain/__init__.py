"""Immutable values that every layer above speaks: executions, task runs, approvals, events, commands, actors."""
