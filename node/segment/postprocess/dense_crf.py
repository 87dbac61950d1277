"""P2's conditional random field, equation 10: E(x) = sum psi_u + sum psi_p over all pairs, by mean field.

    psi_u(x_i)      = -log P(x_i)
    psi_p(x_i, x_j) = [x_i != x_j] k_ij
    k_ij            = w_1 exp(-|dp|^2 / 2 theta_a^2 - |dI|^2 / 2 theta_b^2) + w_2 exp(-|dp|^2 / 2 theta_g^2)

The potentials are our decision (the paper gives none). Kernels are cut off at `reach_px`: beyond three standard
deviations a pair weighs less than 1.2 %. With two labels one step of mean field is

    Q_i = sigma(log(P_i / (1 - P_i)) + sum_j k_ij (2 Q_j - 1))
"""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

_EPSILON = 1e-6


@dataclass(frozen=True, slots=True)
class Crf:
    """Weights and widths, set by hand.

    Attributes
    ----------
    w_1, theta_a_px, theta_b_hu : the kernel of places and intensities.
    w_2, theta_g_px : the kernel of places alone.
    reach_px : pairs farther apart along either axis do not count.
    """

    w_1: float = 0.05
    theta_a_px: float = 3.0
    theta_b_hu: float = 100.0
    w_2: float = 0.05
    theta_g_px: float = 2.0
    reach_px: int = 9
    n_steps: int = 5


def mean_field(p: Tensor, hu: Tensor, crf: Crf = Crf()) -> Tensor:
    """Return the field's probability of every pixel.

    Parameters
    ----------
    p : (N, 1, H, W) float, the network's probability.
    hu : (N, 1, H, W) float, HU.
    """
    p = p.float().clamp(_EPSILON, 1.0 - _EPSILON)
    unary = torch.logit(p)
    q = p
    for _ in range(crf.n_steps):
        q = torch.sigmoid(unary + _message(2.0 * q - 1.0, hu.float(), crf))
    return q


def _message(sign: Tensor, hu: Tensor, crf: Crf) -> Tensor:
    """Return sum_j k_ij (2 Q_j - 1) over the window, one shift of the picture after the other."""
    r = crf.reach_px
    h, w = hu.shape[-2:]
    around = F.pad(sign, (r, r, r, r))  # pixels outside the picture have no say
    intensities = F.pad(hu, (r, r, r, r))
    total = torch.zeros_like(hu)
    for dy in range(-r, r + 1):
        for dx in range(-r, r + 1):
            if dy == 0 and dx == 0:
                continue
            window = (..., slice(r + dy, r + dy + h), slice(r + dx, r + dx + w))
            distance_2 = float(dy * dy + dx * dx)
            near = -distance_2 / (2.0 * crf.theta_a_px**2)
            alike = torch.exp(near - (intensities[window] - hu) ** 2 / (2.0 * crf.theta_b_hu**2))
            smooth = torch.exp(torch.tensor(-distance_2 / (2.0 * crf.theta_g_px**2)))
            total += (crf.w_1 * alike + crf.w_2 * smooth) * around[window]
    return total
