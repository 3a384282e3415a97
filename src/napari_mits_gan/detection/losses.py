"""The loss of the detector's training."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional


class DetectorLosses:
    """Binary cross-entropy; a subclass may replace it."""

    def detector(self, logits: Tensor, labels: Tensor) -> Tensor:
        """What the detector minimises.

        Parameters
        ----------
        logits : Tensor, shape (n,)
            What the network says of cubes.
        labels : Tensor, shape (n,)
            1 with a nodule's centre in the middle, 0 without.

        Returns
        -------
        Tensor, shape ()
            The mean of -log p of the right answer, where p is the logistic function of the logit.
        """
        return functional.binary_cross_entropy_with_logits(logits, labels)
