"""The room `receive`."""
