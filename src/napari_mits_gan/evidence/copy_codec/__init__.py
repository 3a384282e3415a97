"""The recovery copy's codec: a CT at half a bit to one bit a voxel, finest in the lungs and around them."""

from napari_mits_gan.evidence.copy_codec.decode import decode_copy
from napari_mits_gan.evidence.copy_codec.encode import encode_copy

__all__ = ["decode_copy", "encode_copy"]
