"""Scripts and commands, run as child processes of the worker."""
