"""The checked flow as immutable values."""
