mount -t tmpfs -o mode=755 none "$(readlink -f /etc/service)"
runsvdir /etc/service &
install_and_remove runit
