#!/usr/bin/env bash
# fuzz-inputs.sh TARGET SECONDS: hands inputs that libFuzzer makes up to what reads bytes from outside,
# under AddressSanitizer; `all` for one target after the other, each for so long. What was reached stays in
# .build-fuzz/corpus for the next time. An input that is a finding is kept, and belongs into
# Tests/FuzzTests/Cases/TARGET when its cause is corrected.
set -euo pipefail
cd "$(dirname "$0")/.."

target=${1:?a target, or all}
seconds=${2:?the seconds for each target}

# SwiftPM's own option instruments C; Swift takes the last of the two and would be without the other.
ATOMIC_STATE_FUZZER=1 swift build -c release --scratch-path .build-fuzz --product fuzzer \
    --sanitize=fuzzer -Xswiftc -sanitize=fuzzer,address -Xcc -fsanitize=address \
    -Xswiftc -enable-testing -Xswiftc -DSANITIZED
fuzzer=.build-fuzz/release/fuzzer
export ASAN_OPTIONS=detect_leaks=0

targets=$target
if [ "$target" = all ]; then targets=$("$fuzzer" targets); fi
for name in $targets; do
    folder=.build-fuzz/corpus/$name
    cases=Tests/FuzzTests/Cases/$name
    mkdir -p "$folder/reached" "$folder/findings"
    "$fuzzer" prepare "$name" "$folder"
    corpora=("$folder/reached" "$folder/seeds")
    if [ -d "$cases" ]; then corpora+=("$cases"); fi
    # Pointers to what an enumeration's indirect case holds have the case in their spare bits. To
    # LeakSanitizer they are no pointers, so that what a constant holds seems lost. These two keep none.
    case $name in
        schema | rule) leaks=1 ;;
        *) leaks=0 ;;
    esac
    # An input may take a gigabyte and ten seconds, far more than any takes.
    ASAN_OPTIONS=detect_leaks=$leaks "$fuzzer" "$name" "${corpora[@]}" -detect_leaks=0 \
        -dict="$folder/words" -artifact_prefix="$folder/findings/" -max_total_time="$seconds" \
        -rss_limit_mb=2048 -malloc_limit_mb=1024 -timeout=10 -print_final_stats=1 \
        >"$folder/log" 2>&1 || {
        tail -n 40 "$folder/log"
        echo "fuzz-inputs: $name: a finding, in $folder/findings" >&2
        exit 1
    }
    echo "$name: $(grep '^#' "$folder/log" | tail -n 1)"
done
