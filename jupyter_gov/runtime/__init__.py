"""Carries executions on: the loop that owns them, workers that run their tasks, leases, timers, recovery."""
