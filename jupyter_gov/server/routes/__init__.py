"""One module per feature; each lists its addresses in ``ROUTES``."""
