#!/bin/bash
# Runs the built Pointsman in session mode: tools/session.sh yes|no (with the Administrator or not).
# Its files live under build/session, so that trying it out leaves the person's own alone.
# SPDX-License-Identifier: GPL-3.0-or-later
set -euo pipefail
cd "$(dirname "$0")/.."
ui=$1
root=$PWD
home=$root/build/session

# The session bus that is there is used only by programs that are installed; here a bus of one's own
# keeps the sample apart from any Pointsman that is.
if [ -z "${POINTSMAN_SESSION_BUS-}" ]; then
  exec env POINTSMAN_SESSION_BUS=1 dbus-run-session -- "$0" "$ui"
fi

export XDG_CONFIG_HOME=$home/config XDG_STATE_HOME=$home/state XDG_DATA_HOME=$home/data
export GSETTINGS_SCHEMA_DIR=$root/build/data
# The help as F1 finds it once installed.
export XDG_DATA_DIRS=$root/build/share:${XDG_DATA_DIRS:-/usr/local/share:/usr/share}
mkdir -p build/share/help/C
ln -sfn "$root/data/help/C" build/share/help/C/pointsman
mkdir -p "$XDG_CONFIG_HOME/pointsman" "$XDG_STATE_HOME/pointsman" "$XDG_DATA_HOME"
[ -e "$XDG_CONFIG_HOME/pointsman/site.xml" ] ||
  cp data/sample/site.xml "$XDG_CONFIG_HOME/pointsman/site.xml"

children=()
stop() {
  trap - EXIT INT TERM
  for child in "${children[@]}"; do kill "$child" 2>/dev/null || true; done
  for child in "${children[@]}"; do wait "$child" 2>/dev/null || true; done
}
trap stop EXIT
trap 'exit 0' INT TERM

build/src/manager/pointsman-managerd --session --backend child \
  --relayd "$root/build/src/relay/pointsman-relayd" &
children+=($!)
gdbus wait --session --timeout 20 org.pointsman.Manager1
gdbus wait --session --timeout 20 org.pointsman.Relay1 ||
  echo "The mail service did not start; the Administrator shows why." >&2

echo "Site file:  $XDG_CONFIG_HOME/pointsman/site.xml" >&2
echo "Mailboxes:  $XDG_STATE_HOME/pointsman/mail" >&2
echo "SMTP:       127.0.0.1 port 2525" >&2

if [ "$ui" = no ]; then
  echo "The mail service is running. Press Ctrl+C to stop it." >&2
  wait "${children[0]}"
  exit
fi

if [ -z "${DISPLAY-}${WAYLAND_DISPLAY-}" ]; then
  command -v broadwayd gtk3-broadwayd >/dev/null 2>&1 || true
  display=5
  while [ -e "${XDG_RUNTIME_DIR:-/run/user/$(id -u)}/broadway$((display + 1)).socket" ]; do
    display=$((display + 1))
  done
  broadwayd --address 127.0.0.1 --port $((8080 + display)) ":$display" >/dev/null 2>&1 &
  children+=($!)
  export GDK_BACKEND=broadway BROADWAY_DISPLAY=:$display
  echo "There is no display here. Open http://127.0.0.1:$((8080 + display))/ in a browser." >&2
fi
build/ui/pointsman --session
