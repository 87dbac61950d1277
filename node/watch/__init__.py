"""The room `watch`."""
