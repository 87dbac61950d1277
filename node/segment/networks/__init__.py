"""One plain `nn.Module` file per published system or baseline; tensors in, logits out.

Every network takes pictures (N, C, H, W) and returns `Logits`: the map that counts, and in training the further maps
that are supervised, too. Imports nothing here, so that one network loads without the others.
"""
