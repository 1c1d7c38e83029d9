#!/bin/bash
# Boots the systemd of a root folder in namespaces of its own and has it run the installed package: the units with their sandbox.
# usage: under_systemd.sh ROOT, as root; with systemd and the package in ROOT. Exit code 77 where no cgroup can be made for it.
set -euo pipefail
source "$(dirname "$0")/../../deploy/lib.sh"

if [ "${1:-}" = --boot ]; then # in the namespaces: what a container's manager does
  clean=$2
  mount --make-rprivate /
  mount --bind "$clean" "$clean"
  mount -t proc proc "$clean/proc"
  mount -t sysfs sysfs "$clean/sys"
  mount -t cgroup2 cgroup2 "$clean/sys/fs/cgroup"
  mount -t tmpfs tmpfs "$clean/run"
  mount -t tmpfs tmpfs "$clean/dev"
  for device in null zero full random urandom tty; do
    touch "$clean/dev/$device"
    mount --bind "/dev/$device" "$clean/dev/$device"
  done
  mkdir "$clean/dev/pts" "$clean/dev/shm" "$clean/run/before"
  mount -t devpts devpts "$clean/dev/pts" -o newinstance,ptmxmode=0666
  mount -t tmpfs tmpfs "$clean/dev/shm"
  ln -s pts/ptmx "$clean/dev/ptmx"
  ln -s /proc/self/fd "$clean/dev/fd"
  cd "$clean"
  pivot_root . run/before
  umount -l /run/before
  exec env -i container=muster PATH=/usr/sbin:/usr/bin:/sbin:/bin /lib/systemd/systemd --unit=multi-user.target --log-target=console
fi

clean=$(realpath "$1")
groups=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/mounts)/muster-operator.$$
mkdir "$groups" 2>/dev/null || { echo "under_systemd: no cgroup can be made here, so systemd cannot be booted" >&2; exit 77; }
log=$(mktemp)
outside=''
clean_up() {
  trap '' INT TERM HUP PIPE
  end_foreground
  # With it goes the first process of the namespace, and with that all others.
  [ -z "$outside" ] || { kill -KILL "$outside" 2>/dev/null; wait "$outside" 2>/dev/null; } || true
  local tries=0
  while ! { find "$groups" -depth -type d -exec rmdir {} +; } 2>/dev/null && [ $((tries += 1)) -le 50 ]; do sleep 0.1; done
  rm -f "$log"
}
clean_up_with clean_up
failed() { tail -n 20 "$log" >&2; die "$*"; }

bash -c 'echo $$ >"$1/cgroup.procs" && exec unshare --mount --pid --net --uts --ipc --cgroup --fork --kill-child "$2" --boot "$3"' boot "$groups" "$0" "$clean" >"$log" 2>&1 &
outside=$!
inside() {
  foreground timeout 100 nsenter --target "$(pgrep -P "$outside")" --mount --pid --net --uts --ipc --cgroup --root --wd \
    /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root DEBIAN_FRONTEND=noninteractive "$@"
}
tries=0
until state=$(inside systemctl is-system-running 2>/dev/null) || [ "$state" = degraded ]; do
  kill -0 "$outside" 2>/dev/null && [ $((tries += 1)) -le 150 ] || failed "systemd did not come up; the lines above are its last"
  sleep 0.2
done
# What does not suit a container is no matter of ours; what is ours must not be among it.
note "systemd runs ($state)"

# README.Debian as it stands there, systemctl included.
mapfile -t lines < <(sed -n 's/^  \(\(systemctl\|runuser\|muster\) .*\)/\1/p' "$clean/usr/share/doc/muster/README.Debian")
[ ${#lines[@]} -ge 6 ] || failed "README.Debian has only ${#lines[@]} commands"
for line in "${lines[@]}"; do
  if [[ $line == runuser* ]]; then inside muster wait --nodes 2 --timeout-s 20 >/dev/null || failed "the nodes did not come"; fi
  # shellcheck disable=SC2086
  inside $line >"$clean/tmp/said" 2>&1 || { cat "$clean/tmp/said" >&2; failed "$line: failed"; }
  [[ $line != 'muster search'* ]] || grep -q lake "$clean/tmp/said" || failed "no search found what is near"
done
note "README.Debian works as it stands: ${#lines[@]} commands, units started by systemd in their sandbox"
[ "$(inside systemctl show muster-coordinator -p ActiveState --value)" = active ] || failed "the coordinator does not run"

inside systemctl kill --signal=KILL muster-coordinator
tries=0
until inside muster status 2>/dev/null | grep -q 'epoch 2'; do [ $((tries += 1)) -le 100 ] || failed "no coordinator came back"; sleep 0.1; done
note "killed with SIGKILL, the coordinator was started again"

printf 'MUSTER_HTTP=127.0.0.1:7790\nMUSTER_COORDINATOR_FLAGS=--read-only --collection-figures\n' >"$clean/etc/muster/coordinator.env"
inside systemctl restart muster-coordinator || failed "it did not start with a coordinator.env"
inside systemctl status --no-pager muster-coordinator | grep -q -- '--http 127.0.0.1:7790 --read-only --collection-figures' || failed "coordinator.env does not count"
inside muster wait words --timeout-s 20 >/dev/null
inside systemctl stop muster-node@n1 || failed "a node could not be stopped"
[ "$(inside systemctl show muster-node@n1 -p Result --value)" = success ] || failed "a stopped node did not end well"
inside muster search words --like river -k 5 | grep -q lake || failed "no search after a node drained"
note "coordinator.env counts; a node that was stopped had drained, and searches went on"

inside systemctl enable --quiet muster-coordinator muster-node@n1
inside dpkg --purge muster >/dev/null 2>&1 || failed "the purge failed"
[ -z "$(inside systemctl list-units --no-legend --state=active 'muster*')" ] || failed "something runs after the purge"
! inside sh -c 'cat /proc/[0-9]*/comm' | grep -qx muster || failed "a process is left"
! find "$clean/etc" "$clean/var/lib" "$clean/usr" -xdev -name '*muster*' ! -path '*/dpkg/*' | grep . >&2 || failed "the files above are left"
note "purged while it ran: all was ended, nothing is left"
