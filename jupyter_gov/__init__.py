"""AI governance that runs, inside Jupyter."""

__version__ = "0.1.0"
