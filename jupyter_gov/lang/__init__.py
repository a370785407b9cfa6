"""The flow language: YAML text becomes a checked flow, every problem with its place; knows no plugins and does no I/O."""
