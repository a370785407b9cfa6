"""Tasks that ask HTTP servers."""
