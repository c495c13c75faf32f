#!/bin/sh
# Runs a command of dsync as the service does: with its variables, in its folder, as its user.
# To be installed as /usr/local/bin/dsync; how: docs/operate/systemd.md.
set -eu
if [ "$(id -u)" -ne 0 ]; then
    echo "dsync: only root can become the service's user: put sudo before the command." >&2
    exit 2
fi
set -a
. /etc/dsync/environment
set +a
umask 077
cd /var/lib/dsync
export HOME=/var/lib/dsync
exec /usr/bin/setpriv --reuid=dsync --regid=dsync --init-groups -- /opt/dsync/bin/dsync "$@"
