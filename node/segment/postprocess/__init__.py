"""From a network's probabilities to lungs that hold together in three dimensions. Pure functions on arrays."""
