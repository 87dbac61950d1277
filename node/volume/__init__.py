"""The room `volume`."""
