"""P1, equation 13: pixels brighter than their surroundings are raised, the others stay.

    I'(x, y) = alpha I(x, y) + beta   where I(x, y) > T(x, y),   I(x, y) elsewhere

T is said to come from local statistics. Decision: the local mean over 31 x 31 pixels (of those inside the picture),
alpha = 1.1, beta = 0, the result clipped to 0 ... 1.
"""

import torch
from torch import Tensor
from torch.nn import functional as F


def dynamic_threshold(pictures: Tensor, side: int = 31, alpha: float = 1.1, beta: float = 0.0) -> Tensor:
    """Apply equation 13 to (N, C, H, W) in 0 ... 1."""
    rows = F.avg_pool2d(pictures, (side, 1), stride=1, padding=(side // 2, 0), count_include_pad=False)
    local_mean = F.avg_pool2d(rows, (1, side), stride=1, padding=(0, side // 2), count_include_pad=False)
    return torch.where(pictures > local_mean, alpha * pictures + beta, pictures).clamp(0.0, 1.0)
