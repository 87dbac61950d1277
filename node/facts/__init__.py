"""The room `facts`: from a file's header to frozen, typed, bounded values; nothing of it is guessed or repaired."""
