"""The room `route`: which series of a study become cases, which do not and why, and when a case is complete.

Everything here decides and nothing touches the world: facts, rules and what is known come in as values.
"""
