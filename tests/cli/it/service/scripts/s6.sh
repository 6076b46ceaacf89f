mkdir /run/service
s6-svscan /run/service &
until_true test -e /run/service/.s6-svscan/control
install_and_remove s6
