"""Claims about what trained networks do: fixed points, orbits, transient states, and how alike they are."""
