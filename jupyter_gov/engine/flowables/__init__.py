"""The tasks that only decide which tasks run next, one file each."""
