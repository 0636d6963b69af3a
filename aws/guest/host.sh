#!/bin/bash
# edcc-host: what edcc asks of the HOST, over ssh: see README.md.
# shellcheck disable=SC2154 # RUN, LEASE, DISTCC_PORT, COMPILER, COMPILER_TARGET, cc and address are the boot's settings
set -uo pipefail
umask 022
export LC_ALL=C PATH=/opt/edcc/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin

state=/var/lib/edcc
tree=$state/tree
steps=$state/steps
client=$state/distcc
page=$state/www/status.json
run=/run/edcc
fleet=$run/fleet
# shellcheck source=/dev/null
[ ! -e /etc/edcc/settings ] || . /etc/edcc/settings

die() {
	printf 'edcc-host: %s\n' "$*" >&2
	exit 1
}

# A pipe that nothing is written to: to wait on without a process.
exec {never}<> <(:)
nap() { read -rt "$1" -u "$never"; }

now_ms() { now=$((${EPOCHREALTIME/[^0-9]/} / 1000)); }

# replace FILE: by what comes in, atomically.
replace() { cat >"$1.new" && mv "$1.new" "$1"; }

# A folder of its own until the end.
use_scratch() {
	scratch=$(umask 077 && mktemp -d "${1-$run}/scratch.XXXXXX") || die 'cannot make a temporary folder'
	trap 'rm -rf "$scratch"' EXIT
}

# --- this machine ---

command_status() { cat $page; }

restart_sshd() {
	local unit=ssh pid
	if [ -d /run/systemd/system ]; then
		[ -e /lib/systemd/system/ssh.service ] || unit=sshd
		systemctl try-restart $unit
	elif read -r pid </run/sshd.pid; then
		kill "$pid" && while kill -0 "$pid" 2>/dev/null; do nap 0.01; done
		/usr/sbin/sshd
	fi
}

command_forget-first-key() {
	if [ -e /etc/ssh/edcc_first_key ]; then
		sed -i /edcc_first_key/d /etc/ssh/sshd_config.d/00-edcc.conf || exit
		rm /etc/ssh/edcc_first_key
		restart_sshd >&2 || exit
	fi
	cat /etc/ssh/edcc_host_key.pub
}

command_renew() { # SECONDS
	local last until
	# The boot has not come to its lease yet.
	[ "${LEASE-}" ] || return 0
	printf -v until '%(%s)T' -1
	[ "$1" -le "$LEASE" ] || until=$((until + $1 - LEASE))
	last=$(stat -c %Y $run/lease) || last=0
	[ "$last" -ge "$until" ] || touch -d "@$until" $run/lease
}

command_state() { # WORD
	local line now
	case $1 in Compiling | BuildSuccess | BuildFailed) ;; *) die "there is no state '$1'" ;; esac
	read -r line <$page
	printf -v now '%(%s)T' -1
	[[ $line =~ ^(.*\"state\":\")[A-Za-z]+(\".*\"since\":)[0-9]+ ]] || die "the status page is damaged"
	printf '%s%s%s%s}\n' "${BASH_REMATCH[1]}" "$1" "${BASH_REMATCH[2]}" "$now" | replace $state/status && mv $state/status $page
}

command_cat() { cd $tree && cat -- "$1"; }

# --- the fleet: a watcher, and what it knows in one file ---

# The canary: needs the preprocessor, the optimizer, data and code, and no headers.
write_canary() {
	cat >"$1/edcc-canary.c" <<'END'
#define SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define FOLD(h, c) (((h) ^ (c)) * 16777619u)

struct point {
	double x, y;
};

static const char name[] = __FILE__;
static const struct point square[] = {{0, 0}, {0, 1}, {1, 1}, {1, 0}};

unsigned edcc_canary_hash(void)
{
	unsigned hash = 2166136261u;
	for (unsigned i = 0; i + 1 < SIZE(name); i++)
		hash = FOLD(hash, (unsigned char)name[i]);
	return hash;
}

double edcc_canary_area(void)
{
	double sum = 0;
	for (unsigned i = 0; i < SIZE(square); i++) {
		struct point a = square[i], b = square[(i + 1) % SIZE(square)];
		sum += a.x * b.y - b.x * a.y;
	}
	return sum / 2;
}
END
}

# compile OBJECT [distcc]: beside it is the source.
compile() {
	local object=$1 command=("${cc##*/}")
	shift
	[ "$COMPILER" = gcc ] || [ -z "$COMPILER_TARGET" ] || command+=(-target "$COMPILER_TARGET")
	(cd "${object%/*}" && "$@" "${command[@]}" -O2 -c edcc-canary.c -o "${object##*/}") 2>&1
}

# The same on a machine alone, in a folder of NAME's; nothing where it did, else why not.
compile_on() { # HOST FOLDER NAME
	local text folder=$2 name=$3
	# distcc would remember there for a minute that an earlier one had failed.
	rm -rf "${folder:?}/$name" "$folder/$name.o" "$folder/$name.log"
	mkdir "$folder/$name"
	text=$(DISTCC_HOSTS=$1 DISTCC_DIR="$folder/$name" DISTCC_LOG="$folder/$name.log" DISTCC_FALLBACK=0 DISTCC_SKIP_LOCAL_RETRY=1 DISTCC_IO_TIMEOUT=30 \
		TMPDIR=$folder compile "$folder/$name.o" distcc) && return
	[ "$text" ] || text=$(sed -n '/failed to distribute/d; s/.*ERROR: //p' "$folder/$name.log" | tail -n 1)
	printf %s "${text:-distcc gives no reason}"
}

# Why the machine cannot be trusted to compile; nothing where it can.
prove() { # NAME ADDRESS
	local name=$1 log before text
	log="http://$2/distccd.log"
	before=$(curl -sSfI -m 5 --noproxy '*' "$log" 2>&1 | tr -d '\r' | sed -n 's/^content-length: //Ip')
	text=$(compile_on "$2:$DISTCC_PORT/1" $fleet/canary "$name")
	if [ "$text" ]; then
		printf 'cannot compile a small file: %s' "$text"
		return
	fi
	# The host writes its line after the client has its answer. A grep that ended before curl does would make curl fail.
	for _ in {1..20}; do
		[ "$(curl -sf -m 5 --noproxy '*' -r "${before:-0}-" "$log" | grep -c ' COMPILE_OK .* edcc-canary\.c$')" = 0 ] || break
		nap 0.1
		false
	done || {
		printf 'gave an object back, but its log does not show the compile'
		return
	}
	cmp -s "$fleet/canary/$name.o" $fleet/canary/reference.o || printf 'compiles to another object than the HOST: its compiler is another one'
}

own_fault='the HOST itself cannot compile a small file'

# Two lines: why the machine cannot be trusted, and why it is not to preprocess.
canary() { # NAME ADDRESS HEADERS RESULT, in the background
	local said unpumped=''
	said=$(prove "$1" "$2" 2>&1)
	# What this machine could not have passed itself says nothing of another.
	if [ ! "$said" ]; then rm -f "$client/lock/backoff_tcp_$2_"*; elif ! compile $fleet/canary/here.o >/dev/null; then said=$own_fault; fi
	if [ ! "$said" ] && [ "$pump_state" = on ]; then unpumped=$(prove_pump "$@" 2>&1); fi
	printf '%s\n%s\n' "${said//$'\n'/ }" "${unpumped//$'\n'/ }" | replace "$4"
}

# --- machines that preprocess: doc/distcc.md, "Pump" ---

# The include server takes two folders at the most.
pump=/tmp/edcc-pump
pump_log=$client/pump.log

# A value of distcc's own script, which says where its include server is and which Python that is for.
pump_value() { sed -n "s/^$1='\{0,1\}\([^']*\)'\{0,1\}$/\1/p" "$(type -P distcc-pump)" | head -n 1; }

# It ends with the watcher's process group, so that another fleet begins with another one.
start_pump() {
	local program python
	if ! type -P distcc-pump >/dev/null; then
		pump_off 'there is no distcc-pump on the host'
		return
	fi
	program=$(pump_value include_server) python=$(pump_value PYTHON)
	mkdir -m 700 $pump
	# Of the compiler's own folders those headers are the machines', too, that have been there since the boot.
	touch -r /etc/edcc/headers $pump/proved-before
	(cd / && exec "$python" -O /opt/edcc/pump.py "$program" $pump) </dev/null >>$pump_log 2>&1 &
	pump_pid=$!
	for _ in {1..400}; do
		if [ -e $pump/socket ]; then pump_state=on && break; fi
		kill -0 "$pump_pid" 2>/dev/null || break
		nap 0.05
	done
	[ "$pump_state" = on ] || pump_off "distcc's include server does not start: $(tail -n 1 $pump_log)"
}

# For all machines: distcc's client crashes where it goes on from one that preprocesses to one that does not.
pump_off() { # WHY
	pump_state=off pump_why=$1 changed=true
}

write_pump_canary() {
	printf '%s\n' '#define AREA(w, h) ((w) * (h))' 'static const char header[] = __FILE__;' >"$1/edcc-canary.h"
	printf '%s\n' '#include "edcc-canary.h"' 'const char *edcc_header(void) { return header; }' 'int edcc_area(int w, int h) { return AREA(w, h); }' \
		>"$1/edcc-canary.c"
}

# Why the machine is not to preprocess what it is sent; nothing where it may, or where it is the include server that failed.
prove_pump() { # NAME ADDRESS HEADERS
	local text folder=$fleet/pump-canary
	if [ -z "$3" ] || [ "$3" != "$own_headers" ]; then
		printf 'has other system headers than the HOST'
		return
	fi
	text=$(INCLUDE_SERVER_PORT=$pump/socket compile_on "$2:$DISTCC_PORT/1,lzo,cpp" $folder "$1")
	# Where the client had to preprocess, it warns.
	[ "$text" ] || text=$(sed -n 's/.*Warning: //p' "$folder/$1.log" | head -n 1)
	[ "$text" ] || cmp -s "$folder/$1.o" $folder/reference.o || text='the object is another one'
	[ ! "$text" ] || ! kill -0 "$pump_pid" 2>/dev/null || printf 'cannot preprocess a small file: %s' "$text"
}

# Whether the include server lives, and whether its answers are worth asking for.
watch_pump() {
	if ! kill -0 "$pump_pid" 2>/dev/null; then
		pump_off "distcc's include server has ended"
	elif [ -e $pump/discrepancy_counter ]; then
		# It is distcc that wrote it, and goes on without.
		pump_off 'a file that failed on a host compiled here'
	elif [ "$pump_wanted" = auto ]; then
		judge_pump
	fi
}

# Ten answers are enough: where most of them were refusals, there is nothing to be had.
judge_pump() {
	local sent here reasons
	read -r sent here reasons < <(awk '
		/^edcc: sent$/ { sent++ }
		sub(/^edcc: here: /, "") { here++; why[$0]++ }
		END { printf "%d %d", sent, here; for (w in why) printf "%s%d %s", sep++ ? ", " : " ", why[w], w; print "" }' $pump_log)
	((sent + here >= 10)) || return 0
	pump_wanted=judged
	((here <= sent)) || pump_off "of the first $((sent + here)), $here had to be preprocessed here ($reasons)"
}

# --- what is known of each ---

# A field of a status page.
field() { # NAME
	value=
	[[ ! $json =~ \"$1\":\"?([^\",}]*) ]] || value=${BASH_REMATCH[1]}
}

# The reason that a page gives, as one line.
page_reason() {
	local text=''
	field step
	[[ ! $json =~ \"log\":\"(([^\"\\]|\\.)*)\" ]] || text=${BASH_REMATCH[1]}
	text=${text//\\n/; } text=${text//\\\"/\"} text=${text//\\\\/\\}
	reason="$value: $text"
}

set_state() { # INDEX STATE REASON
	[ "${states[$1]} ${reasons[$1]}" != "$2 $3" ] || return
	states[$1]=$2 reasons[$1]=$3 changed=true
}

# What a machine that answered says of itself.
judge() { # INDEX JSON
	local i=$1 json=$2 value reason headers result=$fleet/${names[$1]}.canary
	misses[i]=0
	field slots && slots[i]=$value
	field headers && headers=$value
	field state
	case $value in
	Initializing)
		field step
		proofs[i]='' && set_state "$i" Initializing "$value"
		return
		;;
	Failed)
		page_reason
		proofs[i]='' && set_state "$i" Failed "$reason"
		return
		;;
	esac
	field compiler && reason=$value
	field target && reason+=" for $value"
	if [ -z "$own_compiler" ]; then
		set_state "$i" Initializing 'waits for the HOST'
	elif [ "$own_failure" ]; then
		set_state "$i" Failed "$own_fault: ${own_failure//$'\n'/; }"
	elif [ "$reason" != "$own_compiler" ]; then
		set_state "$i" Failed "its compiler is $reason, the HOST's is $own_compiler"
	elif [ -z "${proofs[i]}" ] && ((round >= retries[i])); then
		# A result of before it went out is not this one's.
		proofs[i]=$((++generation))
		canary "${names[i]}" "${addresses[i]}" "$headers" "$result.$generation" &
	elif [ "${proofs[i]}" != known ] && [ -e "$result.${proofs[i]}" ]; then
		{ read -r reason && read -r value; } <"$result.${proofs[i]}"
		proofs[i]=known
		[ "$pump_state" = on ] || value=''
		if [ "$value" ] && [ "$pump_wanted" = yes ]; then reason=$value; elif [ "$value" ]; then pump_off "${names[i]} $value"; fi
		if [ "$reason" ]; then rest "$i"; fi
		if [ ! "$reason" ]; then
			set_state "$i" Ready ''
		elif [ "${states[i]} $reason" = "Ready $own_fault" ]; then
			proofs[i]=''
		else
			set_state "$i" Failed "$reason"
		fi
	elif [ "${proofs[i]}" = known ] && [ "${states[i]}" = Failed ] && ((round >= retries[i])); then
		proofs[i]=''
	fi
}

# Until the next proof: 5, 10, 20, 40, 60, 60 seconds.
rest() { # INDEX
	retries[$1]=$((round + pauses[$1])) pauses[$1]=$((pauses[$1] < 40 ? 2 * pauses[$1] : 60))
}

# Whose fault it was when a client last gave the machine up, by the client's log: theirs or ours. distcc knows no difference: doc/distcc.md.
blamed() { # ADDRESS:PORT
	tail -c 262144 $client/client.log | awk -v host="$1" '
		function blame() {
			if (on[$1] == host) last = $1 in ours ? "ours" : "theirs"
			delete on[$1]
			delete ours[$1]
		}
		/ exec on / { blame(); on[$1] = $4; sub("[/,].*", "", on[$1]) }
		/ failed to distribute/ { blame() }
		/ compile .* on .* (completed ok|failed)/ { delete on[$1] }
		/ cpp .* on localhost/ && !/ completed ok$/ { ours[$1] }
		/ERROR: (failed to (create|open|allocate) |failed to fork: |failed to write: (No space|Disk quota|File too))/ { ours[$1] }
		END { print last }'
} 2>/dev/null

# A client has failed on one that is Ready: it is proved, and forgiven then; at the second time it is out until it is proved.
doubt() { # INDEX
	local i=$1 file=$client/lock/backoff_tcp_${addresses[$1]}_${DISTCC_PORT}_0 time
	if [ ! -e "$file" ]; then
		doubts[i]=''
		return
	fi
	time=$(stat -c %.9Y "$file" 2>/dev/null) && [ "$time" != "${doubts[i]}" ] || return
	doubts[i]=$time
	if [ "$(blamed "${addresses[i]}:$DISTCC_PORT")" = ours ]; then
		rm -f "$file"
		return
	fi
	((round - failed[i] <= 60)) || failures[i]=0 pauses[i]=5
	failed[i]=$round proofs[i]=''
	((++failures[i] > 1)) || return
	set_state "$i" Out 'has failed twice'
	rest "$i"
}

missed() { # INDEX
	local i=$1
	((++misses[i] >= 3)) && [ "${slots[i]}" ] || return
	proofs[i]=''
	if [ "${states[i]}" != Out ]; then
		disconnect "${addresses[i]}"
		# Idle it would answer in time again.
		retries[i]=$((round + rests[i])) rests[i]=$((rests[i] ? 2 * rests[i] : 10))
	fi
	set_state "$i" Out 'does not answer'
}

# Clients that wait for a machine that is gone would do so until distcc's timeout.
disconnect() { ss -K dst "$1" dport = "${DISTCC_PORT:-0}" >/dev/null 2>&1; }

# What the other machines must have, and the canary's reference, once this machine has booted.
know_itself() {
	local json value
	read -r json <$page
	field state
	case $value in Initializing | Failed) return ;; esac
	# shellcheck source=/dev/null
	. /etc/edcc/settings
	own_failure=$(compile $fleet/canary/reference.o) && own_failure=''
	field headers && own_headers=$value
	if [ "$pump_wanted" != no ] && [ ! "$own_failure" ]; then
		start_pump
		compile $fleet/pump-canary/reference.o >/dev/null
	fi
	field compiler && own_compiler=$value
	field target && own_compiler+=" for $value"
}

ask_all() {
	local i code json
	local -a codes=()
	while read -r i code; do codes[i]=$code; done < <(curl -sZ --parallel-max 64 --noproxy '*' -m 2 -K $fleet/pages -w '%{urlnum} %{http_code}\n')
	for i in "${!names[@]}"; do
		if [ "${codes[i]-}" = 200 ] && read -r json <"$fleet/${names[i]}.json"; then judge "$i" "$json"; else missed "$i"; fi
		[ "${states[i]} ${proofs[i]}" != 'Ready known' ] || doubt "$i"
	done
}

# Tells the views, then distcc.
tell() {
	local i wanted options
	# First: whoever knows that the HOST is ready knows this.
	{ [ ! "$pump_state" ] || echo "$pump_state${pump_why:+ $pump_why}"; } | replace $fleet/pump
	for i in "${!names[@]}"; do
		printf '%s %s %s %s\n' "${names[i]}" "${states[i]}" "${slots[i]:-0}" "${reasons[i]}"
	done | replace $fleet/states
	{
		printf -- '--localslots=%d --localslots_cpp=%d\n' "$local_slots" $((2 * local_slots))
		for i in "${!names[@]}"; do
			wanted=${words[i]%%,*} options=${words[i]#"${words[i]%%,*}"}
			: "${wanted:=${slots[i]:-0}}"
			[ "$pump_state" != on ] || options=${options/,lzo/},lzo,cpp
			[ "${states[i]}" != Ready ] || [ "$wanted" = 0 ] || printf '%s:%d/%d%s\n' "${addresses[i]}" "$DISTCC_PORT" "$wanted" "$options"
		done
	} | replace $client/hosts
}

watcher() { # LOCAL_SLOTS PUMP
	local local_slots=$1 i name at word changed=true round=0 generation=0 own_compiler='' own_headers='' own_failure='' started now rest
	local pump_wanted=$2 pump_state='' pump_why='' pump_pid=''
	local -a names=() addresses=() words=() states=() slots=() reasons=() misses=() proofs=() retries=() rests=() pauses=() doubts=() failures=() failed=()
	while read -r name at word; do
		i=${#names[@]}
		names[i]=$name addresses[i]=$at words[i]=$word
		states[i]=Initializing slots[i]='' reasons[i]='no answer yet' misses[i]=0 proofs[i]='' retries[i]=0 rests[i]=0
		pauses[i]=5 doubts[i]='' failures[i]=0 failed[i]=0
	done <$fleet/list
	tell
	for (( ; ; ++round)); do
		now_ms && started=$now changed=false
		[ "$own_compiler" ] || know_itself
		ask_all
		[ "$pump_state" != on ] || watch_pump
		! $changed || tell
		now_ms
		rest=$((started + 1000 - now))
		((rest <= 0)) || nap "$(printf '%d.%03d' $((rest / 1000)) $((rest % 1000)))"
	done
}

# A run that takes the fleet over from another begins its logs: how long the machines' own are, where there were any.
begin_logs() { # RUN
	local before='' name at
	mkdir -p $client/temps
	read -r before <$state/run
	[ "$1" != "$before" ] || return 0
	rm -rf $client/client.log $pump_log $client/ccache.stats $client/native $client/temps $state/begun
	mkdir $client/temps $state/begun
	if [ "$before" ]; then
		while read -r name at _; do
			curl -sfI -m 2 --noproxy '*' "http://$at/distccd.log" | tr -d '\r' | sed -n 's/^content-length: //Ip' >$state/begun/"$name" &
		done <$fleet/list
		wait
	fi
	echo "$1" >$state/run
} 2>/dev/null

command_fleet() { # [LOCAL_SLOTS [RUN [PUMP]]], lines NAME ADDRESS [SLOTS][,OPTIONS]
	local pid name at word
	if read -r pid <$run/watcher; then
		kill -- "-$pid"
		for _ in {1..300}; do
			kill -0 -- "-$pid" || break
			nap 0.01
		done
		kill -KILL -- "-$pid"
	fi 2>/dev/null
	rm -rf $fleet $pump
	mkdir -p $fleet/canary $fleet/pump-canary $client
	write_canary $fleet/canary
	write_pump_canary $fleet/pump-canary
	while read -r name at word; do
		[[ $name =~ ^[A-Za-z0-9._-]+$ && $at =~ ^[0-9A-Fa-f.:]+$ ]] || die "'$name $at' is no machine"
		printf '%s %s %s\n' "$name" "$at" "$word" >&3
		printf 'url = "http://%s/status.json"\noutput = "%s/%s.json"\n' "$at" $fleet "$name"
	done 3>$fleet/list >$fleet/pages
	begin_logs "${2-}"
	setsid "$0" watcher "${1:-$(nproc)}" "${3:-no}" </dev/null >$run/watcher.log 2>&1 &
	echo $! >$run/watcher
}

# What compiles go through before distcc: paths and texts, each with a NUL at its end.
command_front() {
	local path text
	while IFS= read -r -d '' path && IFS= read -r -d '' text; do
		path=/opt/edcc/$path
		mkdir -p "${path%/*}" && printf '%s' "$text" | replace "$path" && chmod 755 "$path" || exit
	done
}

command_watcher() { watcher "$@"; }

# Lines are said again now and then: so that whoever is gone is noticed.
# What tells where compiles ran: the rest of a log is ten times as much.
telling='exec on localhost: |failed to distribute|compile .* on .* (completed ok|failed)|cpp .* on localhost'

# Says them from where the log was read to, of at most so many whole lines at once.
say_log() {
	local size text
	size=$(stat -c %s $client/client.log) && [ "$size" != "$heard" ] || return 0
	((size > heard)) || heard=0
	((size - heard <= 524288)) || size=$((heard + $(tail -c "+$((heard + 1))" $client/client.log | head -c 524288 | sed '$d' | wc -c)))
	text=$(tail -c "+$((heard + 1))" $client/client.log | head -c $((size - heard)) | grep -aE "$telling" | base64 -w 0)
	heard=$size
	[ ! "$text" ] || printf 'log %s\n' "$text"
}

command_watch() { # [log]
	local i=0 at jobs had=false heard=0
	local -a hosts=() lines=() said=()
	for (( ; ; i = (i + 1) % 60)); do
		((i)) || said=()
		mapfile -t hosts <$fleet/states
		mapfile -t lines <$fleet/pump
		lines=("${lines[@]/#/pump }" "${hosts[@]/#/host }")
		for at in "${!lines[@]}"; do
			[ "${said[at]-}" = "${lines[at]}" ] || printf '%s\n' "${lines[at]}" || exit
		done
		said=("${lines[@]}")
		if ! ((i % 4)); then
			jobs=$(find $client/state -name 'binstate_*' -size 296c -exec cat {} + 2>/dev/null | base64 -w 0)
			if [ "$jobs" ] || $had; then printf 'jobs %s\n' "$jobs" || exit; fi
			if [ "$jobs" ]; then had=true; else had=false; fi
			[ "${1-}" != log ] || say_log || exit
		fi
		nap 0.25
	done 2>/dev/null
}

# --- steps ---

use_step() {
	[[ $1 =~ ^[A-Za-z0-9_][A-Za-z0-9._-]*$ ]] || die "'$1' is no step's name"
	step=$1
	folder=$steps/$1
}

# Becomes the recipe, with nothing but the step's entries in the environment. They may have the names of our variables: none is used after them.
enter() { # RUNNER COLLECTOR
	local _entry self=$BASHPID
	# Before anything of it runs: build_success reads this.
	echo "$1 $self $2" | replace "$folder/pids"
	for _entry in $(compgen -e); do export -n "${_entry?}"; done
	ulimit -c 0
	case $directory in /*) cd "$directory" ;; *) cd "$tree/$directory" ;; esac || exit 127
	export HOME=~root EDCC_STEP=$step
	export -n OLDPWD
	for _entry in "${_entries[@]}"; do export "${_entry?}"; done 2>/dev/null
	case :$PATH: in *:/opt/edcc/bin:*) ;; *) PATH="/opt/edcc/bin:$PATH" ;; esac
	export PATH
	exec setsid "${_command[@]}"
}

# Until the collector has written what was printed: then it sleeps, or is gone.
settle() { # PID
	local state
	for _ in {1..100}; do
		read -r _ _ state _ <"/proc/$1/stat" || return 0
		[ "$state" != S ] || return 0
		nap 0.01
	done 2>/dev/null
}

# Starts the recipe and waits for it. The output goes through a pipe, since a recipe may open /dev/stderr anew, which would truncate a file.
runner() {
	local out self=$BASHPID collector pid status begin now
	exec {out}> >(exec cat >>"$folder/output" 2>/dev/null)
	collector=$!
	now_ms && begin=$now
	echo "$begin" >"$folder/begun"
	(enter "$self" "$collector") >&"$out" 2>&1 &
	pid=$!
	exec {out}>&-
	while [ ! -e "$folder/pids" ] && kill -0 "$pid"; do nap 0.01; done
	echo started
	exec >/dev/null
	wait "$pid"
	status=$?
	now_ms
	settle "$collector"
	rm -f "$run/recipe/$step"
	echo "$status $((now - begin))" | replace "$folder/status"
}

command_start() { # STEP, entries and the recipe on standard input
	local entry recipe line directory=.
	local -a _entries=() _command=()
	use_step "$1"
	while IFS= read -r -d '' entry && [ "$entry" ]; do
		case $entry in
		EDCC_DIR=*) directory=${entry#*=} ;;
		EDCC_STEP=*) ;;
		*) _entries+=("$entry") ;;
		esac
	done
	# A connection that breaks must not run half a recipe.
	IFS= read -r -d '' recipe || die "the recipe of '$step' was cut short"
	mkdir -p $run/recipe && chmod 700 $run/recipe
	if ! mkdir "$folder" 2>/dev/null; then
		echo known
		return
	fi
	# In memory only: a template's text may have had secrets put into it.
	(umask 077 && printf '%s' "$recipe" >"$run/recipe/$step")
	: >"$folder/output"
	: >"$folder/calls"
	line=${recipe%%$'\n'*}
	if [[ $line == '#!'* ]]; then
		read -r -a _command <<<"${line#??}"
	else
		_command=(bash -u)
	fi
	_command+=("$run/recipe/$step")
	read -r line < <(trap '' HUP && exec </dev/null 2>/dev/null && runner)
	[ "$line" = started ] || die "'$step' could not be started"
	echo "$line"
}

# The output from where we are to before byte $1.
follow_output() {
	local n
	while ((at < $1)); do
		n=$(($1 - at > 1048576 ? 1048576 : $1 - at))
		printf 'out %d\n' "$n" && dd if="$folder/output" bs=1M iflag=skip_bytes,count_bytes skip="$at" count="$n" status=none || exit
		((at += n))
	done
}

# How much has been printed: where the collector is, which costs no process.
follow_size() {
	local pos
	if ! $ended && read -r _ pos <"/proc/$collector/fdinfo/1"; then size=$pos; else size=$(stat -c %s "$folder/output"); fi 2>/dev/null
}

command_follow() { # STEP OFFSET CALLS
	local at=$2 calls=$3 size=0 ended=false quiet=0 now line runner collector
	local -a lines=()
	use_step "$1"
	read -r runner _ collector 2>/dev/null <"$folder/pids" || die "there is no step '$step'"
	if [ ! -e "$folder/status" ]; then
		read -r line <"$folder/begun"
		now_ms
		echo "at $((now - line))"
	fi
	while :; do
		# In this order: what was printed before the end, or before a call, is there when these are.
		[ -e "$folder/status" ] && ended=true
		if ! $ended && ! kill -0 "$runner" 2>/dev/null && [ ! -e "$folder/status" ]; then echo '137 0' | replace "$folder/status"; fi
		mapfile -t -s "$calls" lines <"$folder/calls"
		follow_size
		((size > at || ${#lines[@]})) && quiet=0
		for line in "${lines[@]}"; do
			follow_output "${line%% *}"
			printf 'call %s\n' "$line" || exit
			((++calls))
		done
		follow_output "$size"
		if $ended; then
			read -r line <"$folder/status"
			echo "end $line"
			return
		fi
		# So that whoever is gone is noticed.
		((++quiet % 150)) || printf 'out 0\n' || exit
		nap 0.1
	done
}

# The processes of a step: those of its session, and those with its name in their environment. Zombies are none.
step_processes() {
	local pid file stat
	local -A found=()
	read -r _ leader _ <"$folder/pids" || die "there is no step '$step'"
	while read -r file; do
		pid=${file#/proc/} && found[${pid%%/*}]=1
	done < <(grep -lszxF "EDCC_STEP=$step" /proc/[0-9]*/environ)
	for file in /proc/[0-9]*/stat; do
		read -r stat 2>/dev/null <"$file" || continue
		pid=${stat%% *}
		# shellcheck disable=SC2086 # STATE PARENT GROUP SESSION
		set -- ${stat##*) }
		[ "$4" != "$leader" ] || found[$pid]=1
		[[ $1 != [ZX] ]] || unset "found[$pid]"
	done
	processes=("${!found[@]}")
}

command_end() { # STEP TERM|KILL
	local processes leader signal
	case $2 in TERM | KILL) ;; *) die "there is no way to end called '$2'" ;; esac
	use_step "$1"
	# Some may be born while others die, which a busy machine takes its time over.
	for _ in {1..100}; do
		step_processes
		[ ${#processes[@]} -gt 0 ] || return 0
		# Stopped first: what waits for one that ends must not go on before its own signal is there.
		for signal in STOP "$2" CONT; do kill "-$signal" "${processes[@]}"; done 2>/dev/null
		[ "$2" = KILL ] || return 0
		nap 0.02
	done
}

command_left() { # STEP
	local processes leader
	use_step "$1"
	step_processes
	echo ${#processes[@]}
}

# build_success MESSAGE and build_failed MESSAGE, in a recipe. After the second nothing of the recipe is to run: edcc ends it.
call() { # VERDICT MESSAGE…
	local verdict=$1 text collector
	shift
	text="${*//[$'\n\r']/ }"
	folder=$steps/${EDCC_STEP-}
	if [ -z "${EDCC_STEP-}" ] || ! read -r _ _ collector <"$folder/pids"; then
		die "build_$verdict works only in a recipe that edcc runs"
	fi
	settle "$collector"
	printf '%s %s %s\n' "$(stat -c %s "$folder/output")" "$verdict" "$text" >>"$folder/calls"
	[ "$verdict" = success ] || while [ ! -e "$folder/status" ]; do nap 0.2; done
}

# --- the tree ---

# Reads paths, each with a NUL at its end, into `paths`: what has none was cut short. Those that lead out of the tree are refused.
read_paths() {
	local path
	paths=()
	while IFS= read -r -d '' path; do
		[[ /$path/ != */../* && $path != /* && $path ]] || die "'$path' is not in the tree"
		paths+=("$path")
	done
	cd $tree || exit
}

command_exists() { # DIR
	local path
	case $1 in /*) cd "$1" ;; *) cd "$tree/$1" ;; esac 2>/dev/null || return 0
	while IFS= read -r -d '' path; do
		[ ! -e "$path" ] || printf '%s\0' "$path"
	done
}

command_list() { # PREFIX
	cd $tree || exit
	[ ! -e "./$1" ] || find -H "./$1" ! -type d ! -xtype d -printf '%s %p\0' | sed -z 's,^\([0-9]* \)\.//*,\1,'
}

# One batch of digests, whole to the file $1: several batches at once must not mix.
command_digest-batch() {
	local to=$1 sum size mode name path
	shift
	while IFS= read -r -d '' sum <&3; do
		path=${sum:66}
		# Both are in the same order; one that has just gone is in one of them only.
		while read -r -d '' size mode name <&4 && [ "$name" != "$path" ]; do :; done
		printf '%s %s %s %s\0' "${sum:0:64}" "$size" "$mode" "${path#./}"
	done 3< <(sha256sum -z -- "$@") 4< <(stat -L --printf '%s %a %n\0' -- "$@") >"$to/$$" 2>/dev/null
}

command_digest() {
	local -a paths files=()
	local path
	read_paths
	use_scratch
	for path in "${paths[@]}"; do
		[ ! -f "$path" ] || files+=("./$path")
	done
	[ ${#files[@]} -gt 0 ] || return 0
	printf '%s\0' "${files[@]}" |
		xargs -0 -P "$(nproc)" -n $((${#files[@]} / 64 + 1)) "$0" digest-batch "$scratch"
	cat "$scratch"/*
}

# One part's digest, into a file that sorts as the parts do.
command_part() { # TO PATH SIZE NUMBER
	dd if="$2" bs=1M iflag=skip_bytes,count_bytes skip=$(($3 * $4)) count="$3" status=none | sha256sum >"$1/$(printf %09d "$4")"
}

command_parts() { # PATH SIZE
	local size
	cd $tree && size=$(stat -L -c %s -- "$1") || exit
	use_scratch
	((size)) || return 0
	seq 0 $(((size - 1) / $2)) | xargs -P "$(nproc)" -n 1 "$0" part "$scratch" "./$1" "$2" || exit
	cut -c 1-64 "$scratch"/*
}

command_receive() { mkdir -p $tree && tar -xzp --no-same-owner --warning=no-timestamp -C $tree; }

command_remove() {
	local -a paths folders=()
	local path
	read_paths
	for path in "${paths[@]}"; do
		[[ $path != */* ]] || folders+=("./${path%/*}")
	done
	printf './%s\0' "${paths[@]}" | xargs -0 -r rm -rf -- || exit
	[ ${#folders[@]} -eq 0 ] || printf '%s\0' "${folders[@]}" | sort -zur | xargs -0 rmdir -p --ignore-fail-on-non-empty -- 2>/dev/null || :
}

command_send() { tar -c -C $tree --no-recursion --null --verbatim-files-from -T -; }

# A part's configuration for curl, on whose command line a URL would be seen.
store_config() { # URL HEADER…
	local text=${1//\\/\\\\}
	printf 'url = "%s"\nheader = "Expect:"\n' "${text//\"/\\\"}"
	for text in "${@:2}"; do
		text=${text//\\/\\\\}
		printf 'header = "%s"\n' "${text//\"/\\\"}"
	done
}

store_part() { # INDEX PATH OFFSET LENGTH URL HEADER…
	local file=$2 name=$scratch/$1 offset=$3 length=$4 status=000 etag='' line try
	shift 4
	if [ "$offset" != 0 ] || [ "$length" != "$(stat -L -c %s -- "$file")" ]; then
		dd if="$file" of="$name.part" bs=1M iflag=skip_bytes,count_bytes skip="$offset" count="$length" status=none
		file=$name.part
	fi
	for try in 1 2 3; do
		status=$(store_config "$@" | curl -sS --globoff --proto =http,https --connect-timeout 10 --speed-limit 1000 --speed-time 60 \
			-K - -T "$file" -o "$name.body" -D "$name.headers" -w '%{http_code}') 2>"$name.error" || status=000
		case $status in 000 | 5?? | 429) ((try == 3)) || nap $try ;; *) break ;; esac
	done
	while read -r line; do
		line=${line%$'\r'}
		[[ ${line,,} != etag:* ]] || etag=${line#*: }
	done 2>/dev/null <"$name.headers"
	[ "$status" = 200 ] || { touch "$scratch/refused" && store_reason "$name" >&2; }
	rm -f "$name.part"
	printf '%s %s\n' "$status" "$etag" | replace "$name.done"
}

# What curl or the store says, without what could be used in our place.
store_reason() {
	cat "$1.error"
	tr -d '\n' <"$1.body" | sed -n 's,.*<Code>\(.*\)</Code>.*<Message>\([^<]*\)</Message>.*,\1: \2\n,p'
} 2>/dev/null

store_say() {
	while [ -e "$scratch/$next.done" ]; do cat "$scratch/$next.done" && ((++next)); done
}

command_store() { # PATH
	local count=0 running=0 next=0
	local -a part
	cd $tree || exit
	use_scratch $state
	while IFS=$'\t' read -r -a part; do
		if ((running == 8)); then wait -n && ((running--)); store_say; fi
		# The time of the others may be over too.
		[ ! -e "$scratch/refused" ] || break
		store_part $count "./$1" "${part[@]}" </dev/null &
		((++running, ++count))
	done
	while ((running)); do wait -n; ((running--)); store_say; done
}

# --- the cache between fleets: doc/aws.md says how ---

cache=$state/ccache
# For each archive that is here or has been stored, what it brought: lines SIZE NAME, sorted.
kept=$state/kept
# On its way up: in the tree, where `store` finds it.
packed=.edcc/cache.tar

cache_entries() { # FOLDER
	cd "$1" && find [0-9a-f] -type f ! -name stats ! -name '*.*' -printf '%s %p\n' | sort
} 2>/dev/null

cache_fetch() { # NAME SIZE SHA256 URL
	local folder=$scratch/$1 sum
	mkdir "$folder" && mkfifo "$folder.pipe" || return
	sha256sum <"$folder.pipe" >"$folder.sum" &
	# Given up where the whole would not be here in time.
	store_config "$4" | curl -sSf --globoff --proto =http,https --connect-timeout 10 --speed-limit $(($2 / limit + 1)) --speed-time 3 -m "$limit" -K - |
		tee -p "$folder.pipe" | tar -x --no-same-owner -C "$folder" || return
	wait $! && read -r sum _ <"$folder.sum"
	[ "$sum" = "$3" ] || { echo 'it is not what was stored' && return 1; }
	# What is newer stays: a manifest grows.
	(cache_entries "$folder") >"$folder.list"
	flock $kept cp -rluf "$folder"/[0-9a-f] $cache && mv "$folder.list" $kept/"$1"
}

command_cache-fetch() { # SECONDS, lines of tabs NAME SIZE SHA256 URL
	local limit=$1 name size sum url
	mkdir -p $cache $kept
	use_scratch $state
	while IFS=$'\t' read -r name size sum url; do
		[[ $name =~ ^[A-Za-z0-9._-]+$ ]] || die "'$name' is no archive"
		[ ! -e $kept/"$name" ] || { echo "$name there" && continue; }
		{
			if cache_fetch "$name" "$size" "$sum" "$url" >"$scratch/$name.error" 2>&1; then
				echo "$name fetched"
			elif grep -q 'returned error: 404\b' "$scratch/$name.error"; then
				# Another run has just put it into a larger one.
				echo "$name gone"
			elif grep -q 'returned error: 40[03]\b' "$scratch/$name.error"; then
				echo "$name refused"
			else
				echo "$name failed $(head -n 1 "$scratch/$name.error")"
			fi
		} &
	done
	wait
}

cache_size() { awk '{ s += $1 } END { printf "%d", s }' "$1"; }

# What the cache has and no archive, packed; with it those archives that are no larger, again and again, so that there are few of them. What is no longer in the
# cache goes with them.
command_cache-pack() { # SIZE: the most that the cache keeps, in ccache's words
	local name new size most ms sum taken=()
	use_scratch $state
	mkdir -p $cache $kept $tree/.edcc
	# Which also counts what was fetched.
	CCACHE_DIR=$cache CCACHE_MAXSIZE=$1 ccache --cleanup >/dev/null || exit
	(cache_entries $cache) >"$scratch/now"
	cd $kept && shopt -s nullglob || exit
	for name in *; do comm -12 "$scratch/now" "$name" >"$scratch/$name.still"; done
	sort -u -- /dev/null * | comm -23 "$scratch/now" - >"$scratch/new"
	new=$(cache_size "$scratch/new")
	((new)) || return 0
	ms=$(sed -n 's/.* elapsed compilation time \([0-9.]*\)s$/\1/p' $client/client.log 2>/dev/null | awk '{ s += $1 } END { printf "%d", s * 1000 }')
	most=$((new < 1048576 ? 1048576 : new))
	while read -r size name; do
		((size <= most)) || break
		most=$((most + size)) taken+=("$name")
		[[ ! $name =~ -([0-9]+)ms- ]] || ms=$((ms + BASH_REMATCH[1]))
	done < <(for name in *; do echo "$(cache_size "$scratch/$name.still") $name"; done | sort -n)
	(cd "$scratch" && sort -u new "${taken[@]/%/.still}") >$state/packing
	sum=$(cut -d ' ' -f 2- $state/packing | tar -c -C $cache --no-recursion --verbatim-files-from -T - | tee "$tree/$packed" | sha256sum) || exit
	echo "$new $ms ${sum%% *}" "${taken[@]}"
}

# What was packed has been stored under that name, in the place of others, or has not.
command_cache-packed() { # [NAME OTHER…]
	local other
	rm -f "$tree/$packed" && rmdir --ignore-fail-on-non-empty $tree/.edcc
	[ $# -gt 0 ] || return 0
	mv $state/packing $kept/"$1" || exit
	for other in "${@:2}"; do rm -f $kept/"$other"; done
}

command_logs() {
	local name at before pages=()
	use_scratch
	cd "$scratch" || exit
	shopt -s nullglob
	while read -r name at _; do
		pages+=(-o "$name.log" "http://$at/distccd.log")
		if grep -q "^$name Failed " $fleet/states; then pages+=(-o "$name.boot.log" "http://$at/boot.log"); fi
	done 2>/dev/null <$fleet/list
	[ ${#pages[@]} -eq 0 ] || curl -sfZ --parallel-max 64 --noproxy '*' --connect-timeout 3 --speed-limit 1 --speed-time 3 -m 20 "${pages[@]}"
	while read -r name _; do
		if read -r before <"$state/begun/$name" && ((before)); then tail -c +$((before + 1)) "$name.log" | replace "$name.log"; fi
	done 2>/dev/null <$fleet/list
	cp $client/client.log $pump_log $client/ccache.stats . 2>/dev/null
	tar -c --files-from=/dev/null -- *
}

case ${0##*/} in
build_success | build_failed) call "${0##*/build_}" "$@" ;;
*)
	verb=${1-}
	declare -F "command_$verb" >/dev/null || die "there is no command '$verb'"
	shift
	"command_$verb" "$@"
	;;
esac
