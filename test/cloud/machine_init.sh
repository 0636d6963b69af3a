#!/bin/bash
# Process 1 of a machine: what firmware, kernel, systemd and cloud-init do on EC2, as far as user data can see it; on a base that has systemd and cloud-init
# itself (OWN=yes) they do it. It is started in new namespaces
# (network, mount, PID, UTS, IPC) with the variables below; it says "ready" when its cable (eth0) can be plugged in, waits for a line, and says "up" when
# sshd listens. It ends when something in the machine signals it (machine_shutdown.sh), and everything in the machine ends with it.
set -eu
: "$OWN" "$MIRROR" "$ROOM" "$LAYERS" "$INSTANCE" "$ADDRESS" "$PREFIX" "$NETWORK" "$OUTSIDE" "$GATEWAY" "$GATEWAY_MAC"

file_system() {
	mount -t tmpfs -o mode=755 disk "$ROOM"
	mkdir "$ROOM"/{upper,work,root}
	mount -t overlay -o "lowerdir=$LAYERS,upperdir=$ROOM/upper,workdir=$ROOM/work" disk "$ROOM/root"
	cd "$ROOM/root"
	mount -t proc proc proc
	mount -t sysfs -o ro sysfs sys
	mount -t tmpfs -o mode=1777 shm dev/shm
	mount -t devpts -o newinstance,ptmxmode=0666,mode=620,gid=5 devpts dev/pts
	mkdir run/before
	pivot_root . run/before
	cd /
	umount -l run/before
	rmdir run/before
	# What this computer's own shells begin with may take long, or wait for each other.
	rm -f ~root/.bashrc ~root/.profile
}

network() {
	[ ! -e /proc/sys/net/ipv6/conf/eth0 ] || echo 1 >/proc/sys/net/ipv6/conf/eth0/disable_ipv6
	ip -batch - <<-EOT
		link set lo up
		address add $ADDRESS/$PREFIX dev eth0
		address add $OUTSIDE/32 dev eth0
		link set eth0 up
		route replace $NETWORK dev eth0 scope link src $ADDRESS
		neighbour replace $GATEWAY lladdr $GATEWAY_MAC dev eth0 nud permanent
		route add default via $GATEWAY src $OUTSIDE
	EOT
}

names() {
	name=ip-${ADDRESS//./-}
	echo "$name" >/proc/sys/kernel/hostname
	echo "$name" >/etc/hostname
	printf '%s\n' '127.0.0.1 localhost' "$ADDRESS $name" "$MIRROR" >/etc/hosts
	: >/etc/resolv.conf
}

login() {
	mkdir -p /run/sshd
	ssh-keygen -q -t ed25519 -N '' -C "root@$name" -f /etc/ssh/ssh_host_ed25519_key
	/usr/sbin/sshd -E /var/log/auth.log
}

# metadata METHOD PATH HEADER: the body of the answer; fails where it is not 200. (No program is needed: a fresh Debian has no curl.)
metadata() {
	local line status
	exec 3<>/dev/tcp/169.254.169.254/80 || return
	printf '%s /latest/%s HTTP/1.0\r\n%s\r\n\r\n' "$1" "$2" "$3" >&3
	read -r _ status _ <&3
	while read -r line <&3 && [ "$line" != $'\r' ]; do :; done
	[ "$status" = 200 ] && cat <&3
}

# As cloud-init runs it: a script of any interpreter, gzipped or not, from /, with nobody's HOME, its output in a file.
user_data() {
	local token folder=/var/lib/cloud/instances/$INSTANCE
	mkdir -p "$folder/scripts"
	ln -sfn "$folder" /var/lib/cloud/instance
	token=$(metadata PUT api/token 'X-aws-ec2-metadata-token-ttl-seconds: 300')
	if metadata GET user-data "X-aws-ec2-metadata-token: $token" >"$folder/user-data.txt"; then
		if [ "$(od -An -tx1 -N2 "$folder/user-data.txt")" = ' 1f 8b' ]; then
			zcat "$folder/user-data.txt"
		else
			cat "$folder/user-data.txt"
		fi >"$folder/scripts/part-001"
		if [ "$(head -c 2 "$folder/scripts/part-001")" = '#!' ]; then
			chmod 700 "$folder/scripts/part-001"
			env -i PATH="$PATH" LANG=C.UTF-8 INSTANCE_ID="$INSTANCE" setsid "$folder/scripts/part-001" ||
				echo "user data ended with status $?"
		else
			echo 'user data that is not a script is not played'
		fi
	fi
	echo finished >"$folder/boot-finished"
}

# In place of login and user_data, where the base has systemd, cloud-init and sshd of its own. Of the kernel, which is this computer's, they may change
# nothing: it has a folder of control groups to itself, /dev, /proc/sys and /sys are the machine's or read-only. systemd must be told that this is a
# container; cloud-init is told otherwise (machine.py).
own_system() {
	local groups=/sys/fs/cgroup
	mount -t tmpfs -o mode=755 run /run
	mkdir /run/host /run/lock
	echo lxc >/run/host/container-manager
	mount --rbind /dev /dev
	mount --bind /proc/sys /proc/sys
	mount -o remount,bind,ro /proc/sys
	mount -t cgroup2 groups $groups
	mkdir "$groups/$INSTANCE"
	echo $$ >"$groups/$INSTANCE/cgroup.procs"
	umount $groups
	echo up
	# shellcheck disable=SC2016
	exec env -i PATH="$PATH" setpriv --bounding-set=-sys_rawio,-sys_module,-sys_time,-mknod unshare --cgroup sh -c \
		'mount -t cgroup2 groups "$1" && exec /lib/systemd/systemd' system $groups </dev/null >/var/log/console 2>&1
}

trap 'exit 0' TERM
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/
umask 022
file_system
echo ready
read -r _
network
names
[ "$OWN" = no ] || own_system
login
echo up
exec </dev/null >>/var/log/cloud-init-output.log 2>&1
set +e
user_data &
# Orphans become children of this shell, which takes leave of them while it waits.
while :; do
	sleep infinity &
	wait $!
done
