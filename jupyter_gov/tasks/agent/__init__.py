"""AI agents as tasks: a model that may call tools, with everything it did on record."""
