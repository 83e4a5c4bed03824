#!/bin/sh
# Installs the Debian packages the tests need, when root; else prints the line to run. Silent when all is there.
set -eu

# Debian's own programs, which a pyenv or the like may shadow on the PATH: the tests name them by their full path.
SYSTEM=${SYSTEM_BIN:-/usr/bin}

# command (on the PATH, or with its path), or module of Debian's Python; package
TOOLS="promtool prometheus
$SYSTEM/chromium chromium
redis-server redis-server
openssl openssl
curl curl
xmllint libxml2-utils
mosquitto_pub mosquitto-clients
$SYSTEM/aws awscli
python:boto3 python3-boto3
python:paho.mqtt python3-paho-mqtt"
# What else the caller needs, in the same form.
[ -z "${MORE_TOOLS:-}" ] || TOOLS="$TOOLS
$MORE_TOOLS"

is_there() {
  case $1 in
    python:*)
      find_module='import importlib.util, sys; sys.exit(importlib.util.find_spec(sys.argv[1]) is None)'
      "$SYSTEM/python3" -c "$find_module" "${1#python:}" >/dev/null 2>&1
      ;;
    *) command -v "$1" >/dev/null 2>&1 ;;
  esac
}

missing_packages() {
  echo "$TOOLS" | while read -r tool package; do
    is_there "$tool" || echo "$package"
  done
}

# Debian starts a service it installs; the tests want the programs only. policy-rc.d is Debian's way to say so:
# https://manpages.debian.org/bookworm/sysvinit-utils/policy-rc.d.5
POLICY=${POLICY_RC_D:-/usr/sbin/policy-rc.d}
forbid_services() {
  [ -e "$POLICY" ] && return
  trap 'rm -f "$POLICY"' EXIT
  trap 'exit 130' INT TERM
  printf '#!/bin/sh\nexit 101\n' >"$POLICY"
  chmod 755 "$POLICY"
}

install_packages() {
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -q -o DPkg::Lock::Timeout=300 &&
    apt-get install -q -y --no-install-recommends -o DPkg::Lock::Timeout=300 "$@"
}

packages=$(missing_packages | xargs)
[ -n "$packages" ] || exit 0

line="apt-get update && apt-get install -y --no-install-recommends $packages"
if ! command -v apt-get >/dev/null 2>&1; then
  echo "The tests need these Debian packages or their like: $packages" >&2
  exit 1
elif [ "$(id -u)" != 0 ]; then
  echo "The tests need: $packages. As root, run:" >&2
  echo "  $line" >&2
  exit 1
fi

echo "Installing what the tests need: $packages" >&2
forbid_services
# Mirrors fail now and then: one more attempt, and the output only of the one that counts.
# shellcheck disable=SC2086  # a list of package names
install_packages $packages >/dev/null 2>&1 </dev/null ||
  output=$(install_packages $packages 2>&1 </dev/null) || {
    echo "$output" >&2
    echo "Could not install: $packages. The line to run by hand:" >&2
    echo "  $line" >&2
    exit 1
  }
missing=$(missing_packages | xargs)
if [ -n "$missing" ]; then
  echo "Installed, but its program or module is not found: $missing" >&2
  exit 1
fi
