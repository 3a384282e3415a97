#!/usr/bin/env bash
# Installs all that the tests need and runs them all, the window's on a virtual screen. Arguments go to pytest.
#
# bash scripts/test.sh
# bash scripts/test.sh tests/ct -k padding

# shellcheck source=scripts/environment.sh
source "$(dirname "${BASH_SOURCE[0]}")/environment.sh"

system_packages "${window_packages[@]}" "${judge_packages[@]}"
servers_without_services "${server_packages[@]}"
prepare_environment all,test-gui

say "Running the tests"
on_virtual_screen "$python" -m pytest "$@"
