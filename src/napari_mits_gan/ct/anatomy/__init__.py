"""Where lungs, airways and body are in a CT; found once for each scan."""

from napari_mits_gan.ct.anatomy.once import anatomy_known, anatomy_of, body_mask, keep_anatomy, lung_mask
from napari_mits_gan.ct.anatomy.segmentation import Anatomy

__all__ = ["Anatomy", "anatomy_known", "anatomy_of", "body_mask", "keep_anatomy", "lung_mask"]
