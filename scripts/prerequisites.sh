#!/usr/bin/env bash
# Checks for what the named groups need: build, test, bench, report, peers, image. Missing Debian
# packages are installed if run as root, and named otherwise.
set -euo pipefail

fail() {
    echo "prerequisites: $*" >&2
    exit 1
}

packages_of() {
    case $1 in
        build) echo git libjemalloc-dev librocksdb-dev libprotobuf-c-dev libssl-dev protobuf-c-compiler ;;
        test) echo binutils python3 valgrind ;;
        bench) echo fio python3 ;;
        report) echo python3-matplotlib ;;
        peers) echo postgresql redis-server ;;
        image) echo binutils buildah podman crun debootstrap ;;
        *) fail "unknown group '$1'; expected build, test, bench, report, peers or image" ;;
    esac
}

is_installed() {
    [ "$(dpkg-query --show --showformat='${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

require_swift() {
    local how='Install it as https://www.swift.org/install/linux/ says, and see that it is on the PATH.'
    command -v swift >/dev/null || fail "Swift 6.1 or later is needed, and there is no swift. $how"
    local version
    version=$(swift --version 2>/dev/null | sed -nE 's/.*Swift version ([0-9]+\.[0-9]+).*/\1/p')
    [ -n "$version" ] || fail "'swift --version' does not run or tells no version. $how"
    if ((${version%.*} < 6 || (${version%.*} == 6 && ${version#*.} < 1))); then
        fail "Swift 6.1 or later is needed, this is $version. $how"
    fi
}

# The databases are started by who needs them, on folders of their own, and not by their packages:
# https://people.debian.org/~hmh/invokerc.d-policyrc.d-specification.txt
start_no_services() {
    local policy=/usr/sbin/policy-rc.d
    if [ -e "$policy" ]; then return; fi
    trap 'rm -f /usr/sbin/policy-rc.d' EXIT
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod 755 "$policy"
}

require_packages() {
    local group packages package missing=()
    for group in "$@"; do
        packages=$(packages_of "$group")
        for package in $packages; do
            is_installed "$package" || missing+=("$package")
        done
    done
    if ((${#missing[@]} == 0)); then return; fi
    if ((EUID != 0)); then
        fail "these packages are missing. Install them, and try again:
    sudo apt-get update && sudo apt-get install --yes --no-install-recommends ${missing[*]}"
    fi
    echo "prerequisites: installing ${missing[*]}"
    start_no_services
    # A package list that can't be renewed is no failure yet: the install tells.
    apt-get update --quiet=2 || echo 'prerequisites: apt-get update failed' >&2
    DEBIAN_FRONTEND=noninteractive apt-get install --quiet=2 --yes --no-install-recommends \
        -o DPkg::Lock::Timeout=300 "${missing[@]}" >/dev/null ||
        fail "apt-get could not install ${missing[*]}"
}

if command -v dpkg-query >/dev/null; then
    require_packages "$@"
else
    echo "prerequisites: no Debian or Ubuntu; these packages' equivalents have to be there:" >&2
    for group in "$@"; do echo "    $(packages_of "$group")" >&2; done
fi
require_swift
