"""Tests of flows: each case is an execution of its own, in a store that is thrown away."""
