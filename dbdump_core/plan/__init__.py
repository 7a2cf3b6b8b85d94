"""What will be done: which column fills which, and how."""
