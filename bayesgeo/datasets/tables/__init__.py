"""Tables of the user's own: reading, targets, coordinates."""
