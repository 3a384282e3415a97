#!/usr/bin/env bash
# Installs all that the tests need and runs them all, side by side: first the core's, in an environment without napari and
# Qt (.venv-core), then the window's, on virtual screens (.venv), then some of these with PySide6 (.venv-pyside6). Where an
# environment is active it is used for all of them. With arguments, which go to pytest, all that they choose run one after
# the other on one virtual screen. With MITS_GAN_QT=pyside6 all of the window's tests run with PySide6 in the light theme,
# and no others; arguments go to pytest then as well. MITS_GAN_EXTRAS are the package's extras to install instead of those
# that tests need.
#
# bash scripts/test.sh
# bash scripts/test.sh tests/ct -k padding
# MITS_GAN_QT=pyside6 bash scripts/test.sh
# MITS_GAN_QT=pyside6 bash scripts/test.sh -k planes

# shellcheck source=scripts/environment.sh
source "$(dirname "${BASH_SOURCE[0]}")/environment.sh"

system_packages "${window_packages[@]}" "${judge_packages[@]}"
servers_without_services "${server_packages[@]}"
extras="${MITS_GAN_EXTRAS:-all,test-gui}"
qt="${MITS_GAN_QT:-both}"
case "$qt" in both | pyside6) ;; *)
  echo "MITS_GAN_QT is '$qt'; set it to pyside6, or leave it out." >&2
  exit 2
  ;;
esac

if [ "$qt" = pyside6 ]; then
  prepare_environment "$extras"
  prepare_pyside6 "$python"
  say "Running all tests of the window with PySide6, in the light theme"
  pyside6_tests "$python" "$@"
  exit
fi

if [ "$#" -gt 0 ]; then
  prepare_environment "$extras"
  say "Running the tests"
  on_virtual_screen "$python" -m pytest "$@"
  exit
fi

# The window's environment takes longer than the core's, whose tests begin meanwhile.
logs="$(mktemp -d)"
trap 'kill $(jobs -p) 2>/dev/null || true; rm -rf "$logs"' EXIT
(
  prepare_environment "$extras"
  prepare_pyside6 "$python"
) >"$logs/installing" 2>&1 &
installing="$!"
if [ -z "${VIRTUAL_ENV:-}" ]; then
  prepare_core
else
  wait_for "$installing" "$logs/installing"
  prepare_environment "$extras"
  core="$python"
fi
say "Running the tests of the core"
core_tests "$core"
[ -n "${VIRTUAL_ENV:-}" ] || wait_for "$installing" "$logs/installing"
prepare_environment "$extras"
say "Running the tests of the window"
window_tests "$python"
say "Running the tests of the window that are for either Qt binding with PySide6, in the light theme"
pyside6_tests "$python" -m both_bindings
