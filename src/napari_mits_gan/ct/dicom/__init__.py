"""All that knows DICOM: finding, decoding and ordering slices, and writing derived or new series."""
