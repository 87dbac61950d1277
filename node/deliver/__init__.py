"""The room `deliver`."""
