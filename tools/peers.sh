#!/bin/sh
# Fetches mail servers that Debian lets only one of be installed, and unpacks them for the tests of
# interoperation: nothing of them is installed or started.
#
#   tools/peers.sh DIRECTORY
#
# Where they cannot be had it says so and succeeds; the tests then skip those servers.
# SPDX-License-Identifier: GPL-3.0-or-later
set -eu

skip ()
{
  echo "SKIP: Exim and OpenSMTPD are not tested with: $1" >&2
  exit 0
}

fetch ()
{
  timeout 60 apt-get -qq -o Acquire::Retries=0 -o Acquire::http::Timeout=10 "$@" >>fetch.log 2>&1
}

mkdir -p "$1"
cd "$1"
[ -e complete ] && exit 0
command -v apt-get >/dev/null || skip "there is no apt-get to fetch them with"
: >fetch.log
fetch download exim4-daemon-light opensmtpd ||
  { fetch update && fetch download exim4-daemon-light opensmtpd; } ||
  skip "they cannot be fetched: $(tail -n 1 fetch.log)"
for package in *.deb; do
  dpkg -x "$package" . || skip "$package cannot be unpacked"
done
rm -f ./*.deb fetch.log
: >complete
