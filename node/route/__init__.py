"""The room `route`."""
