#!/usr/bin/env bash
# Checks the sources' format, the scripts, and that no unfinished work is marked as such.
set -euo pipefail
cd "$(dirname "$0")/.."

status=0

swift format lint --strict --parallel --recursive Package.swift Sources Tests ||
    { echo "lint: the format differs; 'make format' corrects most of it" >&2 && status=1; }

# Written so that this line is no finding itself.
if git grep --untracked --line-number --word-regexp --extended-regexp 'TO''DO|FIX''ME|X''XX'; then
    echo 'lint: finish the work marked above' >&2
    status=1
fi

if command -v shellcheck >/dev/null; then
    shellcheck scripts/*.sh .ci/run || status=1
else
    echo 'lint: shellcheck is not installed; the scripts were not checked'
fi

exit "$status"
