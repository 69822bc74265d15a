#!/usr/bin/env bash
# Take the README's picture of a record from a real run. Needs Chromium and ImageMagick (Debian: chromium imagemagick).
#   runbook/docs/pictures/refresh.sh path/to/record.html
set -euo pipefail
record=$(realpath "$1")
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
chromium --headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking \
  --disable-component-update --disable-sync --hide-scrollbars --user-data-dir="$work/profile" \
  --window-size=1000,1130 --screenshot="$work/record.png" "file://$record" >/dev/null 2>&1
convert "$work/record.png" -colors 64 -strip "$here/record.png"
ls -l "$here/record.png" | awk '{print $5 " bytes"}'
