"""What every engine must say about itself; the portable path makes the rest work anywhere."""
