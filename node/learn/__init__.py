"""The room `learn`: labelled sets in; weights, tables and pictures out.

Nothing in the run path imports it. Losses and the training loop need torch, numpy, pillow and safetensors alone.
"""
