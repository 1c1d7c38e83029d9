#!/bin/bash
# Tries the package as a new operator would: apt installs it in a clean Debian 12, a cluster runs from it, and it is removed again.
set -euo pipefail
source "$(dirname "$0")/../../deploy/lib.sh"

[ "$(id -u)" = 0 ] || die "a clean Debian can be made by root only"
# Mounts of its own, which go with this process.
if [ "${1:-}" != --inside ]; then
  clean_up_with end_foreground
  step "making the package"
  "$root/deploy/package" --into "$root/build/package"
  install_missing debootstrap
  foreground unshare --mount --propagation private "$0" --inside
  exit
fi

work=$(mktemp -d "${TMPDIR:-/tmp}/muster-operator.XXXXXX")
clean=$work/root
clean_up() {
  trap '' INT TERM HUP PIPE
  end_foreground
  # A folder that is still mounted below it must not be emptied.
  umount -R "$clean/proc" 2>/dev/null || true
  rm -rf --one-file-system "$work"
}
clean_up_with clean_up

inside() { chroot "$clean" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8 "$@"; }
quietly() { "$@" >"$work/log" 2>&1 || { tail -n 30 "$work/log" >&2; die "$* failed; the lines above say why"; }; }
# Everything but what apt, dpkg and logs keep for themselves.
files() { (cd "$clean" && find . -xdev \( -path ./proc -o -path ./dev -o -path ./tmp -o -path ./run -o -path ./var/lib/dpkg -o -path ./var/lib/apt \
  -o -path ./var/cache -o -path ./var/log \) -prune -o -print | grep -vE '^\./etc/(passwd|shadow|group|gshadow|subuid|subgid)-$|^\./etc/\.pwd\.lock$' | LC_ALL=C sort); }

# The mirror that apt of this machine uses for the same release.
release=bookworm
mirror=$(apt-get indextargets --format '$(CODENAME) $(COMPONENT) $(REPO_URI)' 'Created-By: Packages' | awk -v release=$release '$1 == release && $2 == "main" { print $3; exit }')
[ -n "$mirror" ] || die "apt of this machine knows no mirror of $release; is this Debian 12?"
eval "$(apt-config shell proxy Acquire::http::Proxy)"
[ -z "${proxy:-}" ] || export http_proxy=$proxy

step "making a clean Debian ($release, from this machine's mirror)"
quietly foreground debootstrap --variant=minbase "$release" "$clean" "$mirror"
[ -z "${proxy:-}" ] || echo "Acquire::http::Proxy \"$proxy\";" >"$clean/etc/apt/apt.conf.d/proxy"
printf '#!/bin/sh\nexit 101\n' >"$clean/usr/sbin/policy-rc.d" # no service of any package starts
chmod 755 "$clean/usr/sbin/policy-rc.d"
mount -t proc proc "$clean/proc"
note "$(du -sxh "$clean" | cut -f1), $(inside dpkg-query -W | wc -l) packages"
cp "$root"/build/package/muster_*.deb "$clean/tmp/"
package=/tmp/$(basename "$clean"/tmp/muster_*.deb)
files >"$work/before"

step "installing the package, with nothing but what it depends on"
quietly inside apt-get install -y --no-install-recommends "$package"
note "apt installed $(grep -c '^Setting up' "$work/log") packages: $(sed -n 's/^Setting up \([^ :]*\).*/\1/p' "$work/log" | tr '\n' ' ')"
step "running it"
foreground python3 -B "$root/tests/install/installed.py" "$clean"

step "purging it, and what it depended on"
quietly inside apt-get purge -y muster
quietly inside apt-get autoremove -y --purge
files >"$work/after"
diff "$work/before" "$work/after" >"$work/left" || { cat "$work/left" >&2; die "the lines above are left, or gone"; }
! inside getent passwd muster >/dev/null || die "the user muster is left"
note "nothing is left"

step "installing it again, as apt does it by itself, beside systemd, a manual, bash-completion and zsh"
quietly inside apt-get install -y "$package"
quietly inside apt-get install -y --no-install-recommends systemd man-db bash-completion zsh
foreground python3 -B "$root/tests/install/installed.py" "$clean"
quietly inside apt-get purge -y muster
! find "$clean/etc" "$clean/var/lib" "$clean/usr" -xdev -name '*muster*' ! -path '*/dpkg/*' | grep . >&2 || die "the files above are left"
note "purged, nothing of it is left"

step "installing it once more, and booting systemd"
quietly inside apt-get install -y "$package"
rm "$clean/usr/sbin/policy-rc.d" # from here on services may be started and ended, as on a machine
code=0
foreground "$root/tests/install/under_systemd.sh" "$clean" || code=$?
case $code in
  0) ;;
  77) note "left out: see the line above" ;;
  *) die "the lines above say what is wrong under systemd" ;;
esac
step "a new operator gets along"
