"""The room `volume`: files of a series in, a CT volume in Hounsfield units or a coded refusal out."""
