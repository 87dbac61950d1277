"""The room `phantom`: seeds and numbers in, synthetic studies with their truth out."""
