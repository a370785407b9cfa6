"""The older state store: maps that a flow keeps between its executions."""
