"""Pages that need nothing else: one frame and one style for all of them, and the geometry of their charts."""
