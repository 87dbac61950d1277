"""The room `deliver`: kept objects in, receipts out.

Success is what a destination answered (`send.py`); whether the objects are there is asked back (`confirm.py`, and
`commitment.py` where the archive commits itself).
"""
