#!/usr/bin/env bash
# Builds the runtime stage of docker/Dockerfile and runs it as a container: probes, one batch, drain,
# restart on the same volume. Prints a line for each check.
#
# No registry is needed. The build stage is replaced by its own command, scripts/build-static.sh, run
# on this machine, and the Debian image by a bootstrapped Debian of the same release. Everything of
# the runtime stage is what `make image` builds. BINARY names a server that is built already.
set -euo pipefail
cd "$(dirname "$0")/.."

release=bookworm
start_seconds=60
drain_seconds=30
address=127.0.0.1:7400
cache=$PWD/.build-image

fail() {
    echo "image-test: FAILED: $*" >&2
    if [ -n "${container-}" ]; then podman logs "$container" 2>&1 | tail -n 30 >&2 || true; fi
    exit 1
}

pass() { echo "ok      $*"; }

require_machine() {
    ((EUID == 0)) || fail 'a Debian is bootstrapped, which needs root'
    # shellcheck source=/dev/null
    [ "$(. /etc/os-release && echo "${VERSION_CODENAME-}")" = "$release" ] ||
        fail "the server is built here for Debian $release, so this has to be Debian $release;" \
            "elsewhere 'make image' builds all of the image"
}

# Mounts of this script are its own and end with it.
enter_own_mounts() {
    if [ -z "${IMAGE_TEST_MOUNTS-}" ]; then
        IMAGE_TEST_MOUNTS=own exec unshare --mount --propagation private "$0" "$@"
    fi
    # The container runtime refuses a machine with both versions of cgroups. None is used here.
    if mountpoint --quiet /sys/fs/cgroup/unified; then umount /sys/fs/cgroup/unified; fi
}

# A store of images and containers that is removed at the end, with the containers in it.
open_store() {
    work=$(mktemp -d)
    trap close_store EXIT
    printf '[storage]\ndriver = "overlay"\ngraphroot = "%s"\nrunroot = "%s"\n' \
        "$work/images" "$work/run" >"$work/storage.conf"
    export CONTAINERS_STORAGE_CONF=$work/storage.conf
    export BUILDAH_ISOLATION=chroot
    # Health is asked for here; no timer of systemd is needed.
    export DISABLE_HC_SYSTEMD=true
}

close_store() {
    podman rm --all --force --time 0 >/dev/null 2>&1 || true
    podman volume rm --all --force >/dev/null 2>&1 || true
    buildah rm --all >/dev/null 2>&1 || true
    umount "$work/images/overlay" 2>/dev/null || true
    rm -rf "$work"
}

make_base() {
    local folder=$cache/debian-$release container
    if [ ! -f "$folder.complete" ]; then
        rm -rf "$folder"
        mkdir -p "$cache"
        debootstrap --variant=minbase "$release" "$folder" >"$folder.log" 2>&1 ||
            fail "debootstrap; see $folder.log"
        rm -rf "$folder"/var/cache/apt/archives/*.deb "$folder"/var/lib/apt/lists/*
        touch "$folder.complete"
    fi
    container=$(buildah from scratch)
    buildah add --quiet "$container" "$folder" / >/dev/null
    buildah commit --quiet --rm "$container" localhost/debian:$release >/dev/null
}

# What .dockerignore lets into a build, and no more: what the build stage lacks is missing here too.
make_context() {
    local path
    context=$cache/context
    find "$context" -mindepth 1 -maxdepth 1 ! -name '.build*' -exec rm -rf {} + 2>/dev/null || true
    mkdir -p "$context"
    sed -n 's/^!//p' .dockerignore | while read -r path; do
        cp --archive --parents "$path" "$context"
    done
}

build_image() {
    mkdir -p "$work/build/out"
    if [ -n "${BINARY-}" ]; then
        cp "$BINARY" "$work/build/out/atomic-state"
    else
        make_context
        "$context/scripts/build-static.sh" "$work/build/out"
    fi
    # The folder stands for the stage 'build', which is then not run.
    buildah build --format docker --file docker/Dockerfile --tag localhost/atomic-state \
        --build-context "build=$work/build" --build-arg RUNTIME_IMAGE=localhost/debian:$release \
        . >"$work/build.log" 2>&1 || fail "the build: $(tail -n 20 "$work/build.log")"
}

# Runs the image as docker/compose.yaml does: only /data can be written to, and no privileges.
run_image() {
    podman run --runtime crun --cgroups disabled --network none --log-driver k8s-file \
        --ulimit "nofile=$(ulimit -Hn):$(ulimit -Hn)" --ulimit nproc=4096:4096 \
        --read-only --read-only-tmpfs=false --cap-drop all --security-opt no-new-privileges \
        --volume data:/data "$@"
}

start() {
    container=$(run_image --detach localhost/atomic-state)
    local second
    for ((second = 0; second < start_seconds; second++)); do
        if is_healthy; then return; fi
        [ "$(state Running)" = true ] || fail "the server ended with $(state ExitCode)"
        sleep 1
    done
    fail "not healthy after $start_seconds s"
}

# The image's own HEALTHCHECK, run in the container.
is_healthy() { podman healthcheck run "$container" >/dev/null 2>&1; }

state() { podman inspect --format "{{.State.$1}}" "$container"; }

tool() { podman exec "$container" atomic-state "$@"; }

# The status of a GET of the admin port, asked from inside the container's network.
http_status() {
    # shellcheck disable=SC2016  # Expanded by the inner shell.
    timeout 10 nsenter --net --target "$(state Pid)" bash -c '
        exec 3<>/dev/tcp/127.0.0.1/7401
        printf "GET %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n" "$1" >&3
        read -r _ status _ <&3 && echo "$status"' - "$1"
}

check_user() {
    local pid user capabilities
    pid=$(state Pid)
    user=$(awk '/^Uid:/ { print $2 "," $3 "," $4 "," $5 }' "/proc/$pid/status")
    capabilities=$(awk '/^CapEff:/ { print $2 }' "/proc/$pid/status")
    [ "$user" = 10001,10001,10001,10001 ] || fail "the server's user ids are $user"
    [ "$capabilities" = 0000000000000000 ] || fail "the server's capabilities are $capabilities"
    pass 'runs as user 10001, without privileges, on a read-only file system'
}

check_probes() {
    local path status
    pass "the image's HEALTHCHECK is healthy"
    for path in /livez /readyz /startupz /metrics; do
        status=$(http_status "$path") || fail "GET $path: no answer"
        [ "$status" = 200 ] || fail "GET $path: $status"
        pass "GET $path: $status"
    done
}

check_batch() {
    tool submit --server "$address" open account=1 owner=Ada credit_limit=10.00 >"$work/open.txt" ||
        fail "submit open: $(cat "$work/open.txt")"
    tool submit --server "$address" withdraw account=1 amount=2.50 >"$work/withdraw.txt" ||
        fail "submit withdraw: $(cat "$work/withdraw.txt")"
    pass 'two transactions are accepted'
    if tool submit --server "$address" withdraw account=1 amount=7.51 >"$work/over.txt" 2>&1; then
        fail "a withdrawal over the limit was accepted: $(cat "$work/over.txt")"
    fi
    grep --quiet within_credit "$work/over.txt" ||
        fail "the rejection does not name its invariant: $(cat "$work/over.txt")"
    pass 'one that breaks an invariant is rejected, by name'
    tool get --server "$address" Account 1 >"$work/before.txt" || fail 'get Account 1'
    grep --quiet -e '-2.50' "$work/before.txt" || fail "the balance: $(cat "$work/before.txt")"
    pass 'the state shows what was accepted'
}

# What an engine does on stop, after which nothing may be left to kill.
check_drain() {
    local second
    podman kill --signal TERM "$container" >/dev/null
    for ((second = 0; second < drain_seconds; second++)); do
        [ "$(state Running)" = true ] || break
        sleep 1
    done
    [ "$(state Running)" = false ] || fail "still running $drain_seconds s after SIGTERM"
    [ "$(state ExitCode)" = 0 ] || fail "the exit code after SIGTERM is $(state ExitCode)"
    pass 'SIGTERM: drained, exit code 0'
}

check_restart() {
    tool get --server "$address" Account 1 >"$work/after.txt" || fail 'get Account 1'
    diff "$work/before.txt" "$work/after.txt" >&2 || fail 'the state differs after a restart'
    pass 'a new container on the same volume serves the same state'
}

check_audit() {
    local output
    output=$(run_image --rm localhost/atomic-state audit --data /data 2>&1) ||
        fail "audit: $output"
    [[ $output == *INTEGRITY_OK* ]] || fail "audit: $output"
    pass 'audit: INTEGRITY_OK'
}

require_machine
enter_own_mounts "$@"
open_store
make_base
build_image
pass "the runtime stage is built, $(podman image inspect --format '{{.Size}}' localhost/atomic-state |
    awk '{ printf "%.0f MB", $1 / 1e6 }')"
start
check_user
check_probes
check_batch
check_drain
start
check_restart
check_drain
check_audit
echo 'image-test: passed'
