"""Everything that knows napari or Qt: the reader, the sample, the layers and the docks. No science lives here."""
