#!/bin/sh
# apt-install.sh PACKAGE…: installs servers on Debian or Ubuntu, as root, and leaves none of them running or enabled.
set -eu

policy=/usr/sbin/policy-rc.d
cluster=/etc/postgresql-common/createcluster.conf
mark='# flashsale: for the time of an installation'
units=''
log=$(mktemp)

# One installation at a time on this machine, and so one hand on these files.
exec 9>/var/lock/flashsale-install
flock 9

installed() { dpkg-query -W -f '${Status}' "$1" 2>/dev/null | grep -q 'ok installed'; }
ours() { grep -qsF "$mark" "$policy"; }

restore() {
  trap - EXIT
  rm -f "$log"
  if [ -e "$policy.flashsale" ]; then mv -f "$policy.flashsale" "$policy"; elif ours; then rm -f "$policy"; fi
}
trap restore EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# Debian starts what it installs, on the standard ports, unless this file says no.
if [ -e "$policy" ] && ! ours && [ ! -e "$policy.flashsale" ]; then mv "$policy" "$policy.flashsale"; fi
printf '#!/bin/sh\n%s\nexit 101\n' "$mark" >"$policy"
chmod 755 "$policy"

# No cluster of the system's own, and so no server on 5432 after the next boot.
if ! installed postgresql-common && [ ! -e "$cluster" ]; then
  mkdir -p "${cluster%/*}"
  echo 'create_main_cluster = false' >"$cluster"
fi

for package in "$@"; do
  installed "$package" || units="$units $package.service"
done
case "$units" in *rabbitmq*) installed erlang-base || units="$units epmd.socket epmd.service" ;; esac

apt() {
  DEBIAN_FRONTEND=noninteractive apt-get -y -qq -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0 \
    -o Dpkg::Options::=--force-confold "$@"
}
# Package lists that are missing or too old show themselves when the download fails.
if ! apt install --no-install-recommends --download-only "$@" >/dev/null 2>&1; then
  echo 'fetching the package lists (apt-get update) …'
  apt update
fi
echo "installing $* …"
apt install --no-install-recommends "$@" >"$log" 2>&1 || { cat "$log"; exit 1; }

if [ -d /run/systemd/system ]; then
  for unit in $units; do systemctl disable --now "$unit" >/dev/null 2>&1 || true; done
fi
