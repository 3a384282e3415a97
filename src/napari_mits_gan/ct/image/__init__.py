"""NIfTI, MetaImage and NRRD: reading and writing, and the label that a tampered scan carries in them."""
