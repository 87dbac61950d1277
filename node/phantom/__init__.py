"""The room `phantom`."""
