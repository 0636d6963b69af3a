# The files of a list of machines, and what there is no file of. The addresses are of this machine: those of others depend on its network.
for call in distcc-hosts debian openrc systemd make.conf path ssh-config 'debian 127.0.1.2' 'systemd 127.0.1.4 --allow=192.0.2.0/24 --allow 198.51.100.7' \
	'' debain user-data 'debian 127.0.1.3' 'openrc green' 'path red' 'make.conf --allow=192.0.2.1' 'user-data --allow=192.0.2.1 x' 'debian --allow=192.0.2.1/24' 'debian --allow=0.0.0.0/0' 'debian --allow=::/00' \
	'debian --provider local' '-f other.edcc distcc-hosts' '-f other.edcc debian 127.0.1.3' '-f other.edcc openrc 127.0.1.2:3700' '-f other.edcc make.conf' \
	'-f other.edcc path' '-f other.edcc ssh-config' '-f cloud.edcc debian'; do
	echo "\$ edcc export $call"
	# shellcheck disable=SC2086 # words
	"$EDCC" export $call 2>&1 || echo "= $?"
done
printf 'project = x\nprovider hosts:\n    hosts = @green ann@blue\nbuild all:\n    make\n' >ssh.edcc
"$EDCC" export systemd -f ssh.edcc 2>&1 || echo "= $?"
echo '$ edcc export user-data'
"$EDCC" export user-data -f cloud.edcc >text && sed '/^[A-Z_0-9]*=/!d' text && bash -n text
sed 's/^provider aws:/network:\n    subnet = subnet-0a1b2c3d4e5f60718\nprovider aws:/' cloud.edcc >subnet.edcc
"$EDCC" export user-data -f subnet.edcc 2>&1 || echo "= $?"
for part in s 1; do "$EDCC" completion --words -- edcc export $part; done
