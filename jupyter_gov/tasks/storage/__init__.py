"""Tasks that work on stored files: split, join, filter and delete them."""
