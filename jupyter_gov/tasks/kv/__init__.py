"""Tasks that keep values in a namespace and read them back."""
