"""The room `watch`: the durable state in, a status page, metrics and health out; and the two words that it is told.

No patient data: cases are named by UIDs.
"""
