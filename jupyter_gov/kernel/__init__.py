"""The notebook's face: cell magics, the view of a run, completion."""
