"""The Jupyter server's side: REST under ``/jupyter-gov/api/v1``. Start reading at ``extension``."""
