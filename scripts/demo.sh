#!/usr/bin/env bash
# Installs all that is needed and runs the main job on the sample scan: opens napari with the scan and the dock. Where
# there is no screen it does the same on a virtual one and leaves the folder demo_output (made anew each time) with a
# screenshot, the protected DICOM series and a short report of the figures.
#
# bash scripts/demo.sh              on the screen where there is one
# bash scripts/demo.sh --headless   into demo_output in any case

# shellcheck source=scripts/environment.sh
source "$(dirname "${BASH_SOURCE[0]}")/environment.sh"

system_packages "${window_packages[@]}"
prepare_environment all

if has_screen && [ "${1:-}" != --headless ]; then
  say "Opening napari"
  exec "$python" -m napari_mits_gan demo
fi
rm -rf demo_output
say "Running the demonstration on a virtual screen"
on_virtual_screen "$python" -m napari_mits_gan demo --output demo_output
say "The results are in $checkout/demo_output"
ls -l demo_output
