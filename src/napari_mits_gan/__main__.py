"""`python -m napari_mits_gan` does what the command `napari-mits-gan` does."""

from napari_mits_gan.command_line.main import main

if __name__ == "__main__":
    raise SystemExit(main())
