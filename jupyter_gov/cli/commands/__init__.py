"""The commands, by feature; modules here import only what ``--help`` needs, functions import the rest."""
