"""CT-GAN's two networks: the 3-D U-Net that in-paints a cuboid, and the patch discriminator.

CT-GAN (USENIX Security 2019), section 5.1 and figure 6; layer order, padding and constants follow the published Keras
code (`procedures/trainer.py`), so that the authors' weights fit. 100 base filters give 162.6 M and 26.9 M parameters.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

PAPER_BASE_FILTERS = 100
_KERNEL = 4
_PHASES = 8


def _batch_norm(channels: int) -> nn.BatchNorm3d:
    # Keras' epsilon; the original's momentum of 0.8 is 0.2 in PyTorch's terms.
    return nn.BatchNorm3d(channels, eps=1e-3, momentum=0.2)


class _Down(nn.Module):
    """Convolution with stride 2, LeakyReLU, then batch norm: CT-GAN normalises after the activation."""

    def __init__(self, n_in: int, n_out: int, *, batch_norm: bool) -> None:
        super().__init__()
        self.conv = nn.Conv3d(n_in, n_out, _KERNEL, stride=2, padding=1)
        self.norm: nn.Module = _batch_norm(n_out) if batch_norm else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        return self.norm(functional.leaky_relu(self.conv(x), 0.2))


class UpsampleConv3d(nn.Module):
    """Nearest up-sampling by 2, then a convolution with kernel 4 and Keras' 'same' padding (1 before, 2 after).

    Computed without the up-sampled array: each of the eight output phases sees at most 3 x 3 x 3 source voxels, so the
    kernel is folded onto them and the phases are interleaved. The result is the same and takes a third of the time.
    """

    _fold: Tensor

    def __init__(self, n_in: int, n_out: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(n_out, n_in, _KERNEL, _KERNEL, _KERNEL))
        self.bias = nn.Parameter(torch.zeros(n_out))
        nn.init.kaiming_uniform_(self.weight, a=5**0.5)
        # Output 2i reads up-sampled 2i-1 .. 2i+2, that is sources i-1, i, i, i+1; output 2i+1 reads i, i, i+1, i+1.
        even = [[1.0, 0.0, 0.0, 0.0], [0.0, 1.0, 1.0, 0.0], [0.0, 0.0, 0.0, 1.0]]
        odd = [[0.0, 0.0, 0.0, 0.0], [1.0, 1.0, 0.0, 0.0], [0.0, 0.0, 1.0, 1.0]]
        fold = torch.tensor([even, odd])
        # Rows: phase (z, y, x) and source (z, y, x); columns: the kernel's 4 x 4 x 4 entries.
        all_axes = torch.einsum("asi,btj,cuk->abcstuijk", fold, fold, fold).reshape(_PHASES * 27, _KERNEL**3)
        self.register_buffer("_fold", all_axes, persistent=False)
        self._ready: tuple[tuple[object, ...], Tensor] | None = None

    def _kernel(self) -> Tensor:
        """The folded kernel, (8 * n_out, n_in, 3, 3, 3); computed once while the weights are fixed."""
        if self.weight.requires_grad:
            return self._folded()
        # An inference tensor keeps no version; such weights are not written to.
        version = 0 if self.weight.is_inference() else self.weight._version
        state = (self.weight.data_ptr(), version, self.weight.dtype, self.weight.device)
        if self._ready is None or self._ready[0] != state:
            with torch.inference_mode(False):
                self._ready = (state, self._folded())
        return self._ready[1]

    def _folded(self) -> Tensor:
        n_out, n_in = self.weight.shape[:2]
        folded = self.weight.reshape(n_out * n_in, -1) @ self._fold.to(self.weight.dtype).T
        folded = folded.reshape(n_out, n_in, _PHASES, 27).transpose(1, 2)
        return folded.reshape(n_out * _PHASES, n_in, 3, 3, 3)

    def forward(self, x: Tensor) -> Tensor:
        """Up-sample and convolve (n, c, z, y, x) to (n, n_out, 2z, 2y, 2x)."""
        n_out = len(self.weight)
        y = functional.conv3d(x, self._kernel(), self.bias.repeat_interleave(_PHASES), padding=1)
        batch, (depth, height, width) = len(x), x.shape[2:]
        y = y.reshape(batch, n_out, 2, 2, 2, depth, height, width).permute(0, 1, 5, 2, 6, 3, 7, 4)
        return y.reshape(batch, n_out, 2 * depth, 2 * height, 2 * width)


class _Up(nn.Module):
    """Up-sampling convolution, ReLU, dropout, batch norm, then the skip connection."""

    def __init__(self, n_in: int, n_out: int) -> None:
        super().__init__()
        self.conv = UpsampleConv3d(n_in, n_out)
        self.dropout = nn.Dropout(0.5)
        self.norm = _batch_norm(n_out)

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        return torch.cat([self.norm(self.dropout(functional.relu(self.conv(x)))), skip], dim=1)


class Generator(nn.Module):
    """The in-painting U-Net.

    Parameters
    ----------
    base_filters : int
        Filters of the first layer; the paper's network has 100.
    """

    def __init__(self, base_filters: int = PAPER_BASE_FILTERS) -> None:
        super().__init__()
        f = base_filters
        self.base_filters = base_filters
        self.down = nn.ModuleList(
            [
                _Down(1, f, batch_norm=False),
                _Down(f, 2 * f, batch_norm=True),
                _Down(2 * f, 4 * f, batch_norm=True),
                _Down(4 * f, 8 * f, batch_norm=True),
                _Down(8 * f, 8 * f, batch_norm=True),
            ]
        )
        self.up = nn.ModuleList([_Up(8 * f, 8 * f), _Up(16 * f, 4 * f), _Up(8 * f, 2 * f), _Up(4 * f, f)])
        self.out = UpsampleConv3d(2 * f, 1)

    def forward(self, masked: Tensor) -> Tensor:
        """In-paint cubes.

        Parameters
        ----------
        masked : Tensor, shape (n, 1, 32, 32, 32)
            Normalised cubes whose core is 0.

        Returns
        -------
        Tensor, shape (n, 1, 32, 32, 32)
            Normalised cubes, -1 to 1.
        """
        skips: list[Tensor] = []
        x = masked
        for layer in self.down:
            x = layer(x)
            skips.append(x)
        for layer, skip in zip(self.up, reversed(skips[:-1]), strict=True):
            x = layer(x, skip)
        return torch.tanh(self.out(x))


class Discriminator(nn.Module):
    """Tells, patch by patch, whether a cube belongs to its masked condition.

    Parameters
    ----------
    base_filters : int
        Filters of the first layer; the paper's network has 100.
    """

    def __init__(self, base_filters: int = PAPER_BASE_FILTERS) -> None:
        super().__init__()
        f = base_filters
        self.layers = nn.Sequential(
            _Down(2, f, batch_norm=False),
            _Down(f, 2 * f, batch_norm=True),
            _Down(2 * f, 4 * f, batch_norm=True),
            _Down(4 * f, 8 * f, batch_norm=True),
            nn.ConstantPad3d((1, 2, 1, 2, 1, 2), 0.0),
            nn.Conv3d(8 * f, 1, _KERNEL),
        )

    def forward(self, cubes: Tensor, condition: Tensor) -> Tensor:
        """Score cubes of shape (n, 1, 32, 32, 32) with their conditions; returns shape (n, 1, 2, 2, 2)."""
        return self.layers(torch.cat([cubes, condition], dim=1))
