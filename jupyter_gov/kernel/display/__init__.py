"""What a person sees of a run: one snapshot, made into HTML, text or the live widget."""
