#!/usr/bin/env bash
# Generates the C code of Protos/atomic_state.proto into Sources/CProtocol. With --check nothing is
# written: a fresh generation in a temporary folder is compared with what is there.
set -euo pipefail
cd "$(dirname "$0")/.."

target=Sources/CProtocol
source_file=$target/atomic_state.pb-c.c
header=$target/include/atomic_state.pb-c.h

# The version of the compiler that generated a header, as 1004001.
compiler_version() {
    sed -nE 's/^#elif ([0-9]+) < PROTOBUF_C_MIN_COMPILER_VERSION$/\1/p' "$1"
}

fresh=$(mktemp -d)
trap 'rm -rf "$fresh"' EXIT
protoc-c --proto_path=Protos --c_out="$fresh" atomic_state.proto

if [ "${1-}" != --check ]; then
    mkdir -p "$target/include"
    mv "$fresh/atomic_state.pb-c.c" "$source_file"
    mv "$fresh/atomic_state.pb-c.h" "$header"
    exit
fi

committed_version=$(compiler_version "$header")
fresh_version=$(compiler_version "$fresh/atomic_state.pb-c.h")
if [ "$committed_version" != "$fresh_version" ]; then
    # Another compiler writes other text for the same contract.
    echo "proto-check: not compared: protoc-c is $fresh_version here, the code is from $committed_version"
    exit
fi
if ! diff --brief "$source_file" "$fresh/atomic_state.pb-c.c" >&2 ||
    ! diff --brief "$header" "$fresh/atomic_state.pb-c.h" >&2; then
    echo "proto-check: $target is not what Protos/atomic_state.proto generates; run 'make proto'" >&2
    exit 1
fi
echo 'proto-check: the generated code is current'
