"""What a task type is, for those who write one: base classes, the run context, the registry."""
