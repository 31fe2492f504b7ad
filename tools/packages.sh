# Sourced by ./run and ./test: installs what packages.txt names and the machine lacks.
# SPDX-License-Identifier: GPL-3.0-or-later

# packages SECTION...: the names under those headings.
packages() {
  local wanted=" $* " section= line
  while IFS= read -r line; do
    case "$line" in
      '#'* | '') ;;
      '['*']') section=${line#[}; section=${section%]}; section=${section// /-} ;;
      *) case "$wanted" in *" $section "*) printf '%s\n' "$line" ;; esac ;;
    esac
  done <packages.txt
}

is_installed() {
  [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

# install_packages SECTION...: returns when they are all there, else says what to do and fails.
install_packages() {
  local missing=() name sudo=
  if ! command -v dpkg-query >/dev/null; then
    echo "This is not a Debian or Ubuntu system. Pointsman needs what these packages hold there:" >&2
    packages "$@" | sed 's/^/  /' >&2
    echo "Install them, then continue; they are not checked here." >&2
    return 0
  fi
  for name in $(packages "$@"); do
    is_installed "$name" || missing+=("$name")
  done
  [ ${#missing[@]} -eq 0 ] && return 0

  if [ "$(id -u)" != 0 ]; then
    if ! command -v sudo >/dev/null; then
      echo "These packages are missing; install them as root, then run this again:" >&2
      echo "  apt-get install ${missing[*]}" >&2
      return 1
    fi
    sudo=sudo
  fi
  echo "Installing ${#missing[@]} packages: ${missing[*]}" >&2
  $sudo apt-get update -qq &&
    $sudo env DEBIAN_FRONTEND=noninteractive \
      apt-get install -y -qq --no-install-recommends "${missing[@]}" >&2
}

# configure DIRECTORY [MESON OPTION...]: a build directory, made or brought up to date.
configure() {
  local directory=$1
  shift
  if [ -f "$directory/build.ninja" ]; then
    meson configure "$directory" "$@" >/dev/null
  else
    meson setup "$directory" "$@" >&2
  fi
}
