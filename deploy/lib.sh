# What deploy/run, deploy/test and deploy/bench share: packages, build, words. To be sourced; the caller has set -euo pipefail.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
export LC_ALL=C # Numbers with a point, whatever the user's language.

if [ -t 1 ]; then bold=$'\e[1m' green=$'\e[32m' plain=$'\e[0m'; else bold='' green='' plain=''; fi

step() { printf '%s==>%s %s%s%s\n' "$green" "$plain" "$bold" "$*" "$plain"; }
note() { printf '    %s\n' "$*"; }
die() { printf '%s: %s\n' "$(basename "$0")" "$*" >&2; exit 1; }

# Runs a command so that a signal to this script is acted on at once, not when the command ends. The command has a process group
# of its own, so that all it started can be ended with it.
foreground_pid=''
foreground() {
  set -m
  "$@" &
  foreground_pid=$!
  set +m
  local code=0
  wait "$foreground_pid" || code=$?
  foreground_pid=''
  return "$code"
}

# Ends what runs in the foreground, with all it started: asks, waits, and after 10 s does not ask again.
end_foreground() {
  local group=$foreground_pid tries=0
  [ -n "$group" ] || return 0
  foreground_pid=''
  kill -TERM -- "-$group" 2>/dev/null || return 0
  while kill -0 -- "-$group" 2>/dev/null; do
    [ $((tries += 1)) -le 200 ] || { kill -KILL -- "-$group" 2>/dev/null || true; break; }
    sleep 0.05
  done
}

# Whatever ends this script, clean up first: clean_up_with COMMAND
clean_up_with() {
  trap "$1" EXIT
  trap 'exit 129' HUP
  trap 'exit 130' INT
  trap 'exit 141' PIPE
  trap 'exit 143' TERM
}

# Installs the packages of deploy/packages.txt, and those named, that are missing; says so before it does.
install_missing() {
  command -v dpkg-query >/dev/null || die "this is no Debian; install what deploy/packages.txt lists by hand, then build with cmake"
  local package missing=()
  while read -r package _; do
    case $package in '' | '#'*) continue ;; esac
    [ "$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null || true)" = installed ] || missing+=("$package")
  done < <(cat "$root/deploy/packages.txt"; printf '%s\n' "$@")
  [ ${#missing[@]} -gt 0 ] || return 0
  local as_root=()
  if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null || die "these packages are missing: ${missing[*]}; install them as root, there is no sudo here"
    as_root=(sudo)
  fi
  step "installing ${#missing[@]} missing Debian packages${as_root:+ with sudo}"
  note "${missing[*]}"
  local install=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "${missing[@]}")
  # The package lists are renewed only when they do not suffice.
  if ! apt-cache show "${missing[@]}" >/dev/null 2>&1 || ! "${install[@]}" | installing; then
    note "renewing the package lists"
    "${as_root[@]}" apt-get update -qq
    "${install[@]}" | installing || die "installing ${missing[*]} failed; is this Debian 12 with its main archive?"
  fi
  # Of prometheus only a tool is wanted; Debian starts its server, now and at each boot.
  if [[ " ${missing[*]} " == *' prometheus '* ]]; then
    "${as_root[@]}" systemctl disable --now prometheus >/dev/null 2>&1 \
      || { "${as_root[@]}" service prometheus stop; "${as_root[@]}" update-rc.d prometheus disable; } >/dev/null 2>&1 || true
  fi
}

# Of all that apt-get says, what moves on.
installing() {
  sed -n -u 's/^\(Need to get .*\)\.$/    \1/p; s/^\(Setting up [^ ]*\).*/    \1/p'
}

# As many compilers as there are processors, but no more than memory allows: CAF's headers take up to 1.5 GiB each.
build_jobs() {
  local by_memory
  by_memory=$(awk '/^MemAvailable:/ { print int($2 / 1572864) }' /proc/meminfo)
  local count
  count=$(nproc)
  [ "$by_memory" -ge "$count" ] || count=$by_memory
  [ "$count" -ge 1 ] || count=1
  echo "$count"
}

# configure_and_build FOLDER CMAKE_OPTION... -- TARGET...
configure_and_build() {
  local folder=$root/$1 options=()
  shift
  while [ $# -gt 0 ] && [ "$1" != -- ]; do options+=("$1"); shift; done
  [ $# -eq 0 ] || shift
  # A folder that was copied or moved with its clone knows only the old place.
  if [ -f "$folder/CMakeCache.txt" ] && ! grep -qxF "CMAKE_HOME_DIRECTORY:INTERNAL=$root" "$folder/CMakeCache.txt"; then
    options+=(--fresh)
    rm -f "$folder/build.ninja"
  fi
  if [ ! -f "$folder/build.ninja" ]; then
    step "configuring $(basename "$folder")/"
    mkdir -p "$folder"
    foreground cmake -S "$root" -B "$folder" -G Ninja "${options[@]}" >"$folder/configure.log" 2>&1 \
      || { cat "$folder/configure.log" >&2; rm -f "$folder/build.ninja"; die "configuring failed; the lines above say why"; }
  fi
  step "building $(basename "$folder")/ with $(build_jobs) jobs (the first time takes minutes)"
  foreground ninja -C "$folder" -j "$(build_jobs)" "$@" || die "the build failed; the lines above say why"
}
