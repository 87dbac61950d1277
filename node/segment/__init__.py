"""The room `segment`: a `Volume` in, a `Segmentation` out.

Imports nothing here, so that networks load with torch alone.
"""
