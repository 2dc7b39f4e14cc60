#!/bin/sh
# Debian's programs that the tests marked needs_programs drive; installed where this user may, else named.
set -eu
PATH="$PATH:/usr/sbin"
missing=""
command -v chromium > /dev/null || missing="$missing chromium"
command -v nginx > /dev/null || missing="$missing nginx-light"
command -v openssl > /dev/null || missing="$missing openssl"
ls /usr/lib/postgresql/*/bin/initdb > /dev/null 2>&1 || missing="$missing postgresql"
ls /usr/share/fonts/truetype/dejavu/DejaVuSans.ttf > /dev/null 2>&1 || missing="$missing fonts-dejavu-core"
[ -z "$missing" ] && exit 0
if [ "$(id -u)" != 0 ] || ! command -v apt-get > /dev/null; then
    echo "Install the Debian packages$missing, then run make test-ui again." >&2
    exit 1
fi
# RUNLEVEL=1: the packages' own services are not wanted, each test starts its own.
export DEBIAN_FRONTEND=noninteractive RUNLEVEL=1
apt-get update -q > /dev/null
# shellcheck disable=SC2086
apt-get install -q -y --no-install-recommends $missing > /dev/null
