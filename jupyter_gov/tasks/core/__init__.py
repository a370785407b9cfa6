"""Small tasks that need nothing but the flow itself."""
