"""Lesions on a whole scan: networks, candidates, splitting, rules, confidence."""
