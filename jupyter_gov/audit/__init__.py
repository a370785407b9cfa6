"""The history that cannot be altered unnoticed: canonical form, hash chains, verification. Pure: no I/O, no clock."""
