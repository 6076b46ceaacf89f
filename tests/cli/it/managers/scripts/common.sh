# In namespaces of its own: a /run that is empty, and no process of the machine. $D is the helper program.
set -eu
mount -t tmpfs -o mode=755 none /run
mkdir /run/lock

# Waits until a command succeeds.
until_true() {
    local left=200
    until "$@" >/dev/null 2>&1; do
        left=$((left - 1))
        [ $left -gt 0 ] || { echo "not in time: $*" >&2; exit 1; }
        sleep 0.05
    done
}

# Prints the pid of the daemon `web`, once it runs.
daemon() {
    until_true test -s /run/web.pid
    head -n 1 /run/web.pid
}

# Succeeds if the daemon `web` runs and is another process than $1.
is_another() {
    [ -s /run/web.pid ] && [ "$(head -n 1 /run/web.pid)" != "$1" ]
}

# Asks about the daemon, and restarts, stops and starts it through its manager.
ask_and_act() {
    local first second
    first=$(daemon)
    $D managing "$first"
    $D service-of web
    $D service-of other
    $D perform restart "$first"
    ! kill -0 "$first" 2>/dev/null
    until_true is_another "$first"
    second=$(daemon)
    $D perform try-restart "$second"
    until_true is_another "$second"
    $D perform stop "$(daemon)"
    [ ! -e /run/web.pid ]
    $D perform-on start web
    daemon >/dev/null
}
