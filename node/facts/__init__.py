"""The room `facts`."""
