# Prepares what the commands beside this file need; read by them with `source`, not run by itself.
#
# Heeds: VIRTUAL_ENV (an active environment is used, else .venv in the checkout is made), PYTHON (the interpreter to
# make it with), pip's own PIP_* variables, MITS_GAN_TORCH (the PyTorch to install, for instance another version).

set -euo pipefail

# Modules are compiled when they are first imported, and that is kept: pip would compile six times as many, and without
# keeping them each of the programs that the tests start would compile its own anew.
unset PYTHONDONTWRITEBYTECODE

checkout="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
cd "$checkout"

torch_requirement="${MITS_GAN_TORCH:-torch==2.13.0}"

# What Qt's xcb platform and Mesa's software OpenGL load while running, and a virtual screen.
window_packages=(
  xvfb xauth
  libgl1 libgl1-mesa-dri libegl1 libopengl0 libglib2.0-0 libdbus-1-3 libfontconfig1 libfreetype6 fonts-dejavu-core
  libxkbcommon0 libxkbcommon-x11-0 libx11-xcb1 libxcb1 libxcb-cursor0 libxcb-icccm4 libxcb-image0 libxcb-keysyms1
  libxcb-randr0 libxcb-render0 libxcb-render-util0 libxcb-shape0 libxcb-shm0 libxcb-sync1 libxcb-util1 libxcb-xfixes0
  libxcb-xinerama0 libxcb-xkb1 libxrender1 libxi6 libsm6 libice6
)
# Independent judges of the DICOM that the tests write, and the usual converter of series to NIfTI.
judge_packages=(dicom3tools dcmtk dcm2niix)
# A PACS that has to take the exports; the tests start one of their own.
server_packages=(orthanc)

say() { printf '\n== %s\n' "$*"; }

# wait_for PROCESS LOG: until what was started in the background has ended, and say what it said; fail if it failed.
wait_for() {
  local code=0
  wait "$1" || code="$?"
  cat "$2"
  return "$code"
}

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"
  elif command -v sudo >/dev/null && { [ -t 0 ] || sudo -n true 2>/dev/null; }; then sudo "$@"
  else return 1; fi
}

is_installed() { dpkg-query -W -f '${Status}' "$1" 2>/dev/null | grep -q '^install ok installed'; }

# Install the Debian packages that are missing. Without apt or without the right to use it, only say so: they may be
# there under other names, and what really lacks will be told by what needs it.
system_packages() {
  command -v dpkg-query >/dev/null && command -v apt-get >/dev/null || return 0
  local missing=() package
  for package in "$@"; do
    # Since 2024 some libraries carry the ending t64.
    if is_installed "$package" || is_installed "${package}t64"; then continue; fi
    missing+=("$package")
  done
  [ "${#missing[@]}" -gt 0 ] || return 0
  say "Installing system packages: ${missing[*]}"
  local apt=(env DEBIAN_FRONTEND=noninteractive apt-get -q -y --no-install-recommends)
  if as_root "${apt[@]}" update && as_root "${apt[@]}" install "${missing[@]}"; then return 0; fi
  for package in "${missing[@]}"; do
    as_root "${apt[@]}" install "$package" || echo "could not install $package; going on without it" >&2
  done
}

# Install servers that are missing, and have Debian neither start nor enable their services. They stay masked: who wants
# to run one says `systemctl unmask NAME`. A server that is there already is left as it is.
servers_without_services() {
  command -v dpkg-query >/dev/null && command -v apt-get >/dev/null || return 0
  local package unit policy=/usr/sbin/policy-rc.d
  for package in "$@"; do
    if is_installed "$package"; then continue; fi
    unit="/etc/systemd/system/$package.service"
    [ -e "$unit" ] || [ -L "$unit" ] || as_root ln -s /dev/null "$unit" || true
    (
      # Debian asks this program before it starts a service; a machine that has one of its own keeps it.
      if [ ! -e "$policy" ] && as_root sh -c "printf '#!/bin/sh\nexit 101\n' >'$policy' && chmod 755 '$policy'"; then
        trap 'as_root rm -f "$policy"' EXIT
      fi
      system_packages "$package"
    )
    # Where there is no systemd, the links of the other kind would start it at the next boot.
    if is_installed "$package" && command -v update-rc.d >/dev/null; then
      as_root update-rc.d "$package" disable >/dev/null 2>&1 || true
    fi
  done
}

find_python() {
  local candidate
  for candidate in ${PYTHON:-} python3.11 python3.12 python3.13 python3 python; do
    if command -v "$candidate" >/dev/null &&
      "$candidate" -c 'import sys; raise SystemExit(sys.version_info < (3, 11))' 2>/dev/null; then
      command -v "$candidate"
      return 0
    fi
  done
  echo "Python 3.11 or newer is needed and was not found; install it, or name it in the variable PYTHON." >&2
  return 1
}

# make_venv FOLDER: a virtual environment with pip in it.
make_venv() {
  local folder="$1" base version
  if [ -x "$folder/bin/python" ] && "$folder/bin/python" -m pip --version >/dev/null 2>&1; then return 0; fi
  base="$(find_python)"
  version="$("$base" -c 'import sys; print("%d.%d" % sys.version_info[:2])')"
  say "Making the virtual environment $folder with Python $version"
  if "$base" -m venv --clear "$folder" >/dev/null 2>&1; then return 0; fi
  # Debian keeps what venv needs in a package of its own.
  system_packages "python$version-venv"
  if "$base" -m venv --clear "$folder"; then return 0; fi
  "$base" -m pip install --target "$folder.tool" virtualenv
  PYTHONPATH="$folder.tool" "$base" -m virtualenv --clear "$folder"
  rm -rf "$folder.tool"
}

what_is_installed() { cat pyproject.toml; printf '%s %s' "$checkout" "$torch_requirement"; }

# has_installed FOLDER EXTRAS: whether this checkout, as it is, was wholly installed into an environment.
has_installed() {
  local stamp="$1/.napari-mits-gan-$2"
  [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$(what_is_installed)" ]
}

# install_into PYTHON EXTRAS: this checkout, editable, unless the same was done before.
install_into() {
  local python="$1" extras="$2" folder
  folder="$("$python" -c 'import sys; print(sys.prefix)')"
  if has_installed "$folder" "$extras"; then return 0; fi
  # PyTorch first and alone, so that its build is chosen here and by nothing that merely depends on it.
  if ! "$python" -c 'import torch' 2>/dev/null; then
    say "Installing $torch_requirement"
    "$python" -m pip install --no-compile "$torch_requirement"
  fi
  say "Installing napari-mits-gan[$extras]"
  "$python" -m pip install --no-compile -e ".[$extras]"
  what_is_installed >"$folder/.napari-mits-gan-$extras"
}

# Set `python` to the environment's interpreter.
prepare_environment() {
  local extras="$1" folder="${VIRTUAL_ENV:-$checkout/.venv}"
  make_venv "$folder"
  python="$folder/bin/python"
  install_into "$python" "$extras"
}

# Set `core` to the interpreter of an environment with the core and its tests only, without napari and Qt.
prepare_core() {
  make_venv "$checkout/.venv-core"
  core="$checkout/.venv-core/bin/python"
  install_into "$core" test
}

# Run a command on a virtual screen that can draw OpenGL.
on_virtual_screen() {
  XDG_RUNTIME_DIR="$(runtime_folder)" QT_QPA_PLATFORM=xcb xvfb-run -a -s "-screen 0 1600x1000x24" "$@"
}

# on_fast_files COMMAND...: with its temporary files in memory where there is room for them. Exports wait until the disk
# has each of their files, and the tests write thousands.
on_fast_files() (
  room="$({ df --output=avail -k /dev/shm || true; } 2>/dev/null | tail -n 1)"
  if [ -z "${TMPDIR:-}" ] && [ -w /dev/shm ] && [ "${room:-0}" -gt 4000000 ]; then
    TMPDIR="$(mktemp -d /dev/shm/napari-mits-gan-XXXXXX)"
    export TMPDIR
    trap 'rm -rf "$TMPDIR"' EXIT
    chmod 711 "$TMPDIR" # as in /tmp, a test that works as nobody has to reach its own folder
  fi
  "$@"
)

# core_tests PYTHON ARGUMENTS...: all tests but the window's, in as many processes as there are cores (four at most).
#
# A file's tests stay in one process, since they share what took long to read; each process computes on one thread. What
# napari and pytest-qt add to pytest is for windows, and takes long to load.
core_tests() {
  local interpreter="$1"
  shift
  on_fast_files env -u DISPLAY -u WAYLAND_DISPLAY OMP_NUM_THREADS=1 \
    "$interpreter" -m pytest -p no:napari -p no:pytest-qt --ignore=tests/widgets \
    -n auto --maxprocesses=4 --dist=loadfile "$@"
}

# versions PYTHON: each package of an environment with its version, as `pip list` tells them in a tenth of the time.
versions() {
  "$1" -c 'from importlib.metadata import distributions
for found in distributions():
    print(f"{found.name}=={found.version}")' | sort -u
}

# same_versions PYTHON OTHER: whether all packages of the first are in the second, in the same versions.
same_versions() {
  local missing
  missing="$(comm -23 <(versions "$1" | grep -v '^pip==\|^setuptools==') <(versions "$2"))"
  [ -z "$missing" ] || printf 'other versions in the full environment: %s\n' "$missing"
  [ -z "$missing" ]
}

# window_tests PYTHON ARGUMENTS...: the window's tests, two at a time, each process on a virtual screen of its own, which
# tests/widgets/conftest.py starts.
window_tests() {
  local interpreter="$1"
  shift
  on_fast_files env -u DISPLAY -u WAYLAND_DISPLAY OMP_NUM_THREADS=1 QT_QPA_PLATFORM=xcb XDG_RUNTIME_DIR="$(runtime_folder)" \
    "$interpreter" -m pytest tests/widgets -n 2 --dist=worksteal "$@"
}

# prepare_pyside6 PYTHON: the other Qt binding, in a folder of its own: were both in one environment, the one that is
# imported first would be used. In the versions that napari and we work with; without PySide6's add-ons, which napari
# does not need and which are larger than the rest.
prepare_pyside6() {
  local interpreter="$1" wanted
  wanted="$("$interpreter" -c "
from importlib.metadata import requires
from packaging.requirements import Requirement
found = map(Requirement, [*requires('napari'), *requires('napari-mits-gan')])
asked = [each for each in found if each.name.lower() == 'pyside6' and each.marker and each.marker.evaluate({'extra': 'pyside6'})]
print('PySide6_Essentials' + ','.join(str(each.specifier) for each in asked))
")"
  if [ "$(cat .venv-pyside6/wanted 2>/dev/null)" = "$wanted" ]; then return 0; fi
  rm -rf .venv-pyside6
  "$interpreter" -m pip install --quiet --target .venv-pyside6 "$wanted"
  printf '%s' "$wanted" >.venv-pyside6/wanted
}

# pyside6_tests PYTHON ARGUMENTS...: the window's tests with PySide6, and in napari's light theme, which is not kept in
# the settings.
pyside6_tests() {
  PYTHONPATH="$checkout/.venv-pyside6${PYTHONPATH:+:$PYTHONPATH}" QT_API=pyside6 PYTEST_QT_API=pyside6 NAPARI_THEME=light NAPARI_CONFIG= \
    window_tests "$@"
}

runtime_folder() { if [ -n "${XDG_RUNTIME_DIR:-}" ]; then echo "$XDG_RUNTIME_DIR"; else mktemp -d; fi; }

has_screen() { [ "$(uname)" = Darwin ] || [ -n "${DISPLAY:-}" ] || [ -n "${WAYLAND_DISPLAY:-}" ]; }
