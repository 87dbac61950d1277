"""P3's classifier: a ResNet-18 (decision) on the segmented region; malignant or not, or the subtype.

The paper reports no figure for it, and the labels that can be had are readers' impressions or of unknown origin. It is
off by default and never a finding in a report. Channels: the picture of the region and the region's mask.
"""

from torch import Tensor, nn

from node.segment.networks.resnet import Basic, ResNet

_LAYERS = (2, 2, 2, 2)

SUBTYPES = ("adenocarcinoma", "large_cell", "normal", "squamous_cell")


class SubtypeClassifier(nn.Module):
    """Encoder, mean over the picture, one linear layer."""

    def __init__(self, channels: int = 2, width: int = 64, classes: int = len(SUBTYPES)) -> None:
        super().__init__()
        self.encoder = ResNet(Basic, channels, width, dilated=False, layers=_LAYERS)
        self.head = nn.Linear(8 * width, classes)

    def forward(self, x: Tensor) -> Tensor:  # (N, channels, H, W)
        deepest = self.encoder.maps(x)[-1]  # (N, 512, H/32, W/32)
        logits: Tensor = self.head(deepest.mean((2, 3)))
        return logits  # (N, classes)


ALGORITHM = "subtype-classifier/1"  # raise it when other weights are needed
