#!/bin/bash
# What a machine does when it boots: see README.md. The settings stand before this as variables.
# shellcheck disable=SC2153,SC2154 # they do
set -euo pipefail
umask 022
ulimit -c 0
export LC_ALL=C DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1
export PATH=/opt/edcc/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin

state=/var/lib/edcc
www=$state/www
log=/var/log/edcc-boot.log

# --- the status page ---

# A text as it stands in JSON, on one line.
json() {
	local text=${1//\\/\\\\}
	text=${text//\"/\\\"} text=${text//$'\t'/ } text=${text//$'\n'/\\n}
	printf %s "${text//[^[:print:]]/?}"
}

# publish STATE [LOG]
publish() {
	printf '{"format":1,"run":"%s","role":"%s","state":"%s","step":"%s","log":"%s","compiler":"%s","target":"%s","headers":"%s","slots":%d,"cpus":%d,"memory":%d,"host_key":"%s","since":%(%s)T}\n' \
		"$RUN" "$role" "$1" "$step" "$(json "${2-}")" "$version" "$target" "$headers" "$slots" "$cpus" "$memory" "$host_key" -1 >$state/status.new
	mv $state/status.new $www/status.json
}

# Also where there is no nginx: then it is Python's server that tells why, and whose log tells that somebody asked.
failed() {
	[ "$step" ] || return 0
	set +e
	publish Failed "$(tail -n 12 $log | tail -c 2000)"
	[ -s /run/edcc/nginx.pid ] || (cd $www && exec setsid python3 -u -m http.server 80) >>/run/edcc/asked 2>&1 &
	lease
}

say() { printf '%s\n' "$*" >&2; }

die() {
	say "$@"
	exit 1
}

# again TIMES COMMAND…: a way out, a mirror or a lock may take a while.
again() {
	local left=$1
	shift
	until "$@"; do
		((--left)) || return 1
		sleep 1
	done
}

# --- 1. the end, before anything that could fail ---

timer() {
	shutdown -h "+$(((TTL + 59) / 60))"
	# A machine that boots a second time has lost its timer, and is of no use.
	if [ -d /var/lib/cloud ]; then
		mkdir -p /var/lib/cloud/scripts/per-boot
		printf '#!/bin/sh\nshutdown -h now\n' >/var/lib/cloud/scripts/per-boot/edcc
		chmod 755 /var/lib/cloud/scripts/per-boot/edcc
	fi
}

# The HOST's ends after edcc's last word, a COOP's after the last question for its page.
lease_loop() {
	local last now
	while :; do
		last=$(stat -c %Y "$1")
		printf -v now '%(%s)T' -1
		((last + LEASE >= now)) || break
		sleep $((last + LEASE - now + 1))
	done
	shutdown -h now
}

lease() {
	local file=/run/edcc/asked
	[ "$role" = COOP ] || file=/run/edcc/lease
	touch "$file"
	(trap '' HUP && lease_loop "$file") </dev/null >/dev/null 2>&1 &
}

# --- 2. who this machine is ---

ask_metadata() {
	local url=http://169.254.169.254/latest token
	token=$(curl -sSf -m 3 --noproxy '*' -X PUT -H 'X-aws-ec2-metadata-token-ttl-seconds: 300' $url/api/token) || return
	read -r -d '' index address < <(curl -sSf -m 3 --noproxy '*' -w '\n' -H "X-aws-ec2-metadata-token: $token" \
		$url/meta-data/ami-launch-index $url/meta-data/local-ipv4) || [ "$address" ]
}

identity() {
	local index
	command -v curl >/dev/null || add_packages curl
	again 60 ask_metadata
	if [ "$FIRST_IS_HOST" = yes ] && [ "$index" = 0 ]; then role=HOST; fi
}

# --- 3. who may log in ---

restart_sshd() {
	if [ -d /run/systemd/system ]; then
		local unit=ssh
		[ -e /lib/systemd/system/ssh.service ] || unit=sshd
		systemctl try-restart $unit
		return
	fi
	local pid
	if read -r pid </run/sshd.pid; then
		kill "$pid" && while kill -0 "$pid"; do sleep 0.01; done
	fi 2>/dev/null
	mkdir -p /run/sshd
	again 5 /usr/sbin/sshd
}

ssh_access() {
	local config=/etc/ssh/sshd_config.d/00-edcc.conf
	[ -e /etc/ssh/edcc_host_key ] || ssh-keygen -q -t ed25519 -N '' -C '' -f /etc/ssh/edcc_host_key
	read -r host_key </etc/ssh/edcc_host_key.pub
	mkdir -p /etc/ssh/sshd_config.d
	{
		# The first key of a kind is the one that is shown. Only the HOST is asked before its own key can be known.
		if [ $role = HOST ]; then
			(umask 077 && printf '%s\n' "$HOST_KEY" >/etc/ssh/edcc_first_key)
			echo 'HostKey /etc/ssh/edcc_first_key'
		fi
		printf '%s\n' 'HostKey /etc/ssh/edcc_host_key' 'PermitRootLogin prohibit-password' 'PubkeyAuthentication yes' \
			'AuthorizedKeysFile .ssh/authorized_keys' 'MaxSessions 200' 'ClientAliveInterval 15' 'ClientAliveCountMax 4'
	} >$config
	grep -qiE '^[[:space:]]*Include[[:space:]]+(/etc/ssh/)?sshd_config.d/' /etc/ssh/sshd_config ||
		sed -i "1i Include $config" /etc/ssh/sshd_config
	mkdir -p ~root/.ssh
	chmod 700 ~root/.ssh
	# In place of what cloud-init wrote, which lets root in only to be told to go.
	(umask 077 && printf '%s\n' "$KEYS" >~root/.ssh/authorized_keys.new)
	mv ~root/.ssh/authorized_keys.new ~root/.ssh/authorized_keys
	restart_sshd
}

# --- 4. and 5. packages ---

# The packages' names where they are called otherwise on Amazon Linux: curl-minimal is there, and curl would be in its way.
declare -A amazon=([curl]=curl-minimal [openssh-server]=openssh-server [distcc]='' [xz-utils]=xz [g++]=gcc-c++)

apt_install() {
	apt-get -qq -y -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3 -o Dpkg::Options::=--force-confold --no-install-recommends install "$@" </dev/null
}

apt_update() {
	apt-get -qq -o APT::Update::Error-Mode=any update </dev/null
}

add_packages() { # PACKAGE…, by Debian's names
	say "installing: $*"
	if command -v apt-get >/dev/null; then
		if ! $updated; then again 60 apt_update; fi
		updated=true
		again 2 apt_install "$@"
	elif command -v dnf >/dev/null; then
		local package packages=()
		for package; do
			# shellcheck disable=SC2206 # none, one or several words
			packages+=(${amazon[$package]-$package})
		done
		[ ${#packages[@]} -eq 0 ] || again 20 dnf -q -y --setopt=install_weak_deps=False install "${packages[@]}" </dev/null
	else
		die "there is neither apt-get nor dnf to install them"
	fi
}

# Whatever of the packages is not there.
missing() {
	if command -v dpkg-query >/dev/null; then
		local installed
		installed=$'\n'$(dpkg-query -W -f '${db:Status-Status} ${Package}\n' "$@" 2>/dev/null)$'\n' || :
		for package; do [[ $installed == *$'\n'"installed $package"$'\n'* ]] || echo "$package"; done
	else
		for package; do rpm -q --quiet --whatprovides "$package" || echo "$package"; done
	fi
}

# Daemons that packages would start with settings of their own.
keep_off() {
	if [ -d /run/systemd/system ]; then
		local unit
		for unit; do
			systemctl stop "$unit" 2>/dev/null || :
			ln -sfn /dev/null "/etc/systemd/system/$unit.service"
		done
		systemctl daemon-reload
	fi
}

page() {
	local user candidate
	if ! command -v nginx >/dev/null; then
		keep_off nginx
		add_packages nginx
	fi
	if [ -s /run/nginx.pid ]; then
		kill "$(</run/nginx.pid)" 2>/dev/null || :
	fi
	for candidate in www-data nginx nobody; do
		if grep -q "^$candidate:" /etc/passwd; then user=$candidate && break; fi
	done
	cat >/etc/edcc/nginx.conf <<END
user $user;
worker_processes 1;
pid /run/edcc/nginx.pid;
error_log /var/log/edcc-nginx.log;
events {
	worker_connections 512;
}
http {
	log_format asked '\$status';
	access_log /run/edcc/asked asked;
	types { text/plain log; }
	default_type application/json;
	server {
		listen 80;
		root $www;
	}
}
END
	nginx -c /etc/edcc/nginx.conf
}

packages() {
	local wanted=()
	command -v distccd >/dev/null || wanted+=(distcc)
	if [ "$CACHE" = yes ] && ! command -v ccache >/dev/null; then wanted+=(ccache); fi
	# shellcheck disable=SC2086 # words
	[ -z "$PACKAGES" ] || mapfile -t -O ${#wanted[@]} wanted < <(missing $PACKAGES)
	if [ ${#wanted[@]} -gt 0 ]; then
		keep_off distcc distccd
		add_packages "${wanted[@]}"
	fi
	command -v distccd >/dev/null || build_distcc
	[ $role = COOP ] || [ "$PUMP" = no ] || include_server
}

# Amazon Linux has no package of that either.
include_server() {
	command -v distcc-pump >/dev/null || add_packages distcc-pump || :
	command -v distcc-pump >/dev/null || [ "$PUMP" = auto ] || die "there is no distcc-pump here; 'pump = auto' does without"
}

fetch() { # URL SHA256 FILE
	curl -sSfL --proto '=https,http' --proto-redir '=https' --retry 5 --retry-delay 2 --connect-timeout 20 -o "$3" "$1" &&
		echo "$2  $3" | sha256sum --quiet -c -
}

# Amazon Linux has no package of it.
build_distcc() {
	local folder
	folder=$(mktemp -d)
	add_packages gcc make autoconf automake which tar gzip
	again 10 fetch 'https://deb.debian.org/debian/pool/main/d/distcc/distcc_3.4%2Breally3.4.orig.tar.gz' \
		37a34c9555498a1168fea026b292ab07e7bb394715d87d8403e0c33b16d2d008 "$folder/distcc.tar.gz"
	cd "$folder"
	tar -xzf distcc.tar.gz --strip-components=1
	./autogen.sh
	./configure --quiet --prefix=/usr --disable-Werror --disable-pump-mode --without-libiberty --without-avahi
	make -s -j "$cpus" distcc distccd
	install -m 755 distcc distccd /usr/bin/
	cd /
	rm -rf "$folder"
}

# --- 6. the compiler ---

# The compiler's version and target; status 1 where it is none of the kind and version that is wanted.
probe() {
	local text
	text=$("$1" -v 2>&1) || return 1
	[[ $text =~ (^|$'\n'|' ')"$COMPILER version "([0-9.]+) ]] || return 1
	version=${BASH_REMATCH[2]}
	[[ $text =~ 'Target: '([^[:space:]]+) ]] && target=${BASH_REMATCH[1]}
	seen="${1##*/} $version"
	[[ -z $COMPILER_VERSION || $version == "$COMPILER_VERSION" || $version == "$COMPILER_VERSION".* ]]
}

# From gcc-12.2 to gcc; clang takes a target as an option, gcc has a program of its own for each.
find_compiler() {
	local prefix='' suffix=$COMPILER_VERSION name names=()
	[ -z "$COMPILER_TARGET" ] || [ "$COMPILER" = clang ] || prefix=$COMPILER_TARGET-
	if [ "$CC" ]; then
		names=("${CC%% *}")
	else
		while [ "$suffix" ]; do
			names+=("$prefix$COMPILER-$suffix" "$COMPILER$suffix-$COMPILER")
			[[ $suffix == *.* ]] || break
			suffix=${suffix%.*}
		done
		names+=("$prefix$COMPILER")
	fi
	for name in "${names[@]}"; do
		if cc=$(type -P "$name") && probe "$cc"; then return 0; fi
	done
	version='' target=''
	return 1
}

# The C++ compiler that goes with a C compiler's name: its last gcc becomes g++.
cxx_of() {
	local plus=g++
	[ "$COMPILER" = gcc ] || plus=clang++
	[[ $1 != *"$COMPILER"* ]] || printf %s "${1%"$COMPILER"*}$plus${1##*"$COMPILER"}"
}

find_cxx() {
	cxx=${CXX:-$(cxx_of "${cc##*/}")}
	[ -z "$cxx" ] || cxx=$(type -P "${cxx%% *}")
}

unpack_toolchain() {
	local folder=/opt/edcc/toolchain program
	again 10 fetch "$TOOLCHAIN_URL" "$TOOLCHAIN_SHA256" $state/toolchain.tar
	mkdir -p $folder
	command -v xz >/dev/null || add_packages xz-utils
	tar -xf $state/toolchain.tar -C $folder --no-same-owner
	rm $state/toolchain.tar
	for program in "$folder"/bin/* "$folder"/*/bin/*; do
		case ${program##*/} in
		*gcc* | *g++* | *clang* | *cpp* | cc | c++) ln -sf "$program" /opt/edcc/bin/ ;;
		esac
	done
}

# Debian's names: gcc-13, g++-13-aarch64-linux-gnu, clang-15; Amazon's: gcc14, gcc14-c++, clang15.
install_compiler() {
	local major=${COMPILER_VERSION%%.*} cross=''
	# For itself a machine has no cross compiler, but the same name.
	[[ -z $COMPILER_TARGET || $COMPILER_TARGET == "$(uname -m)"-* ]] || cross=-${COMPILER_TARGET//_/-}
	if command -v apt-get >/dev/null; then
		local tail=${major:+-$major}
		if [ "$COMPILER" = gcc ]; then
			add_packages "gcc$tail$cross" "g++$tail$cross" libc6-dev
		elif [ "$cross" ] && [ $role = HOST ]; then
			# With the headers and libraries of the target; other machines do not preprocess and link.
			add_packages "clang$tail" libc6-dev "g++$cross"
		else
			add_packages "clang$tail" libc6-dev
		fi
	elif [ "$COMPILER" = gcc ]; then
		[ "$major" != 11 ] || major=''
		if [ "$major" ]; then add_packages "gcc$major" "gcc$major-c++"; else add_packages gcc g++; fi
	else
		add_packages "clang$major" || add_packages clang
	fi
}

# What there is, for a version that there is not.
offered() {
	if command -v apt-cache >/dev/null; then
		apt-cache search --names-only "^$COMPILER-[0-9]+\$" | cut -d ' ' -f 1 | sort -V
	else
		dnf -q list --available --installed "$COMPILER*" 2>/dev/null | sed -n "s/^\(${COMPILER}[0-9]*\)\.[^ ]* .*/\1/p" | sort -uV
	fi | tr '\n' ' '
}

compiler() {
	local asked="$COMPILER${COMPILER_VERSION:+ $COMPILER_VERSION}${COMPILER_TARGET:+ for $COMPILER_TARGET}"
	local seen='' others='' cxx
	[ -z "$TOOLCHAIN_URL" ] || unpack_toolchain
	if ! { find_compiler && find_cxx; }; then
		[ "$TOOLCHAIN_URL" ] || install_compiler || others=$(offered)
		find_compiler || die "there is no $asked here${seen:+, but $seen}${others:+; installable: $others}"
		find_cxx || cxx=''
	fi
	whitelist "$cc" "$COMPILER" cc "$CC"
	[ -z "$cxx" ] || whitelist "$cxx" "$(cxx_of "$COMPILER")" c++ "$CXX"
}

# Where it looks for the headers of its system.
header_folders() {
	local language option=()
	[ "$COMPILER" = gcc ] || [ -z "$COMPILER_TARGET" ] || option=(-target "$COMPILER_TARGET")
	for language in c c++; do
		"$cc" "${option[@]}" -E -v -x $language /dev/null 2>&1 | sed -n '/^#include </,/^End/s/^ //p'
	done | xargs -r realpath -eq | sort -u
}

# Of these nothing is sent to machines that preprocess: theirs must be the HOST's. What is newer than the stamp was not looked at.
digest_headers() {
	local folders
	[ "$PUMP" != no ] || return 0
	touch /etc/edcc/headers
	mapfile -t folders < <(header_folders)
	headers=$(find -L "${folders[@]:-/usr/include}" -type f -print0 2>/dev/null | sort -zu | xargs -0r sha256sum | sha256sum) || :
	headers=${headers%% *}
}

# The absolute paths that distccd may run: every name of this one program. Names that steps may call it by and that the system lacks are made.
whitelist() { # PATH KIND PLAIN ASKED
	local folder=${1%/*} major=${version%%.*} name path listed="  "
	for name in "$2-$major" ${COMPILER_VERSION:+"$2-$COMPILER_VERSION"}; do
		[ "$COMPILER_TARGET" ] || type -P "$name" >/dev/null || ln -sf "$1" "/opt/edcc/bin/$name"
	done
	for path in "$1" {"$folder",/opt/edcc/bin}/{"$2","$3","$2-$major","$2-$COMPILER_VERSION","$target-$2","$target-$2-$major","${4%% *}"} "$(readlink -f "$1")"; do
		if [[ $listed != *" ${path##*/} "* && $path -ef $1 ]]; then
			listed+="${path##*/} "
			echo "$path" >>/etc/edcc/compilers
		fi
	done
}

# --- 7. distccd ---

daemon() {
	local user=distccd level=notice
	((slots)) || slots=$cpus
	case $VERBOSITY in info | debug) level=$VERBOSITY ;; esac
	grep -q "^$user:" /etc/passwd || useradd -r -M -d / -s /usr/sbin/nologin $user
	# It has given up root's rights when it opens them, and says nothing where it cannot; and it wants a list of its own to be there.
	[ -e /usr/lib/distcc ] || { mkdir -p /usr/lib/distcc && ln -s /usr/bin/distcc /usr/lib/distcc/cc; }
	touch $www/distccd.log /run/edcc/distccd.pid
	chown $user $www/distccd.log /run/edcc/distccd.pid $state/distccd
	# One more than clients will ask for: a connection that is just ending must not make another wait.
	DISTCC_CMDLIST=/etc/edcc/compilers TMPDIR=$state/distccd distccd --daemon --user $user --listen "$address" --port "$DISTCC_PORT" \
		--allow "$SUBNET" --jobs $((slots + 1)) --nice "$NICE" --log-file $www/distccd.log --log-level "$level" --pid-file /run/edcc/distccd.pid
}

# What host.sh has to know. (Where a function reads what declare -p prints, the variables are that function's own.)
settings() {
	read -r cc </etc/edcc/compilers
	printf '%s\n' "${RUN@A}" "${PROJECT@A}" "${LEASE@A}" "${DISTCC_PORT@A}" "${COMPILER@A}" "${COMPILER_TARGET@A}" "${cc@A}" "${address@A}" \
		>/etc/edcc/settings
}

# --- the boot ---

role=COOP step='' version='' target='' headers='' cc='' slots=$SLOTS host_key='' address='' updated=false
cpus=$(nproc)
read -r _ memory _ </proc/meminfo
memory=$((memory * 1024))
mkdir -p $www /run/edcc /etc/edcc /opt/edcc/bin $state/{tree,steps,distcc,distccd}
chmod 711 $state
chmod 700 $state/{tree,steps,distcc,distccd}
ln -sf status.json $www/status
ln -sf $log $www/boot.log
for name in build_success build_failed; do ln -sf ../edcc-host /opt/edcc/bin/$name; done
: >/etc/edcc/compilers
exec </dev/null >>$log 2>&1
trap failed EXIT
for step in timer identity ssh_access page packages compiler digest_headers daemon settings; do
	printf '%(%T)T %s\n' -1 "$step"
	publish Initializing
	$step
done
step=''
publish Ready
lease
printf '%(%T)T ready\n' -1
