"""Pure decisions about executions: ``step`` takes an execution and an event, and says what is true next.

Nothing in this package reads a clock, a file or a database, and nothing starts a thread.
"""
