"""The sizes of a network: channels, width and whatever else its figure has."""

from collections.abc import Mapping

Sizes = Mapping[str, int | bool]
