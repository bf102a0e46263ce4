#!/bin/sh
# Installs the system packages the build needs, only when one is missing, with sudo only when not root.
# `setup.sh web`: those that the map page is built with instead; `setup.sh fonts`: the fonts of map labels.
set -eu
packages="libgdal-dev gdal-bin libproj-dev libclang-dev pkg-config gcc g++ make nasm autoconf automake libtool"
if [ "${1:-}" = web ]; then
    command -v node >/dev/null && command -v npm >/dev/null && exit 0
    packages="nodejs npm"
fi
[ "${1:-}" = fonts ] && packages="fonts-noto-cjk"
missing=""
for p in $packages; do
    dpkg-query -W -f '${Status}' "$p" 2>/dev/null | grep -q "ok installed" || missing="$missing $p"
done
[ -z "$missing" ] && exit 0
command -v apt-get >/dev/null || { echo "please install:$missing" >&2; exit 1; }
sudo=""
[ "$(id -u)" = 0 ] || sudo="sudo"
echo "installing:$missing"
$sudo apt-get -o DPkg::Lock::Timeout=300 update -qq
$sudo env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 install -y -qq --no-install-recommends $missing
