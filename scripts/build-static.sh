#!/usr/bin/env bash
# build-static.sh FOLDER: builds the server as the container image holds it, with the Swift standard
# library inside, and puts it into FOLDER. RocksDB and protobuf-c stay the system's libraries.
set -euo pipefail
cd "$(dirname "$0")/.."

folder=${1:?the folder to put atomic-state into}
# As the Makefile builds what is tested and measured.
read -ra flags <scripts/swift-flags
build=(
    swift build --configuration release --static-swift-stdlib --product atomic-state
    --scratch-path .build-image/swift "${flags[@]}"
)

"${build[@]}"
mkdir -p "$folder"
# The symbols stay, for readable crash reports and profiles; the debugger's tables go.
strip --strip-debug -o "$folder/atomic-state" "$("${build[@]}" --show-bin-path)/atomic-state"
