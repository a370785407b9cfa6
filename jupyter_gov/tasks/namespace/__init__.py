"""Tasks on the files of a namespace, and how other tasks take such files."""
