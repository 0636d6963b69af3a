#!/bin/bash
# Process 1 of a machine that is played: machine.sh ROOM ADDRESS, in new namespaces. Its disk is this computer's, and what it changes is kept in ROOM.
set -eu
room=$1 address=$2
before=$(<"$room.sh")
mount --make-rprivate /
mount -t tmpfs -o mode=755 none "$room"
mkdir "$room"/{upper,work,root}
mount -t overlay -o "lowerdir=/,upperdir=$room/upper,workdir=$room/work" none "$room/root"
cd "$room/root"
mount -t proc proc proc
mount -t sysfs -o ro sysfs sys
mount --rbind /dev dev
mount -t tmpfs -o mode=755 none run
mount -t tmpfs -o mode=1777 none tmp
mkdir run/sshd run/old
install -D -m 700 "$room.data" var/lib/cloud/part-001
pivot_root . run/old
cd /
umount -l run/old
# What this computer's own shells begin with may take long, or wait for each other.
rm -rf ~root/.bashrc ~root/.profile ~root/.ssh /opt/edcc /etc/edcc /var/lib/edcc /var/log/edcc*
mkdir -p ~root/.ssh /var/lib/cloud
echo 'no-port-forwarding,command="echo go away" ssh-ed25519 AAAA old' >~root/.ssh/authorized_keys
until ip link show eth0 >/dev/null 2>&1; do sleep 0.02; done
ip link set lo up
ip address add "$address/24" dev eth0
ip link set eth0 up
ip route add default via 10.9.0.1
cat >/usr/local/sbin/shutdown <<'END'
#!/bin/sh
echo "$*" >>/run/shutdowns
[ "$2" != now ] || kill -USR1 1
END
chmod 755 /usr/local/sbin/shutdown
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
eval "$before"
ssh-keygen -q -t ed25519 -N '' -f /etc/ssh/image_key
/usr/sbin/sshd -o HostKey=/etc/ssh/image_key -o PidFile=/run/sshd.pid -E /var/log/sshd.log
trap 'exit 0' USR1
env -i PATH="$PATH" setsid /var/lib/cloud/part-001 </dev/null >/var/log/cloud-init-output.log 2>&1 &
while :; do wait || :; sleep 1 & wait $!; done
