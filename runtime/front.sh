#!/bin/sh
# What a compile goes through before distcc or ccache: see doc/distcc.md. Before this stand `front` (what is called), `folder` and `masquerade` (where such
# commands are), `kept` (whether distcc/kept.def has the argument, with the one after it where it takes two), and under a compiler's name what it stands for, put
# before the arguments.
# shellcheck disable=SC2154 # they do
set -f

# What is called now and from there on is the programs themselves.
path='' rest=$PATH: IFS=:
for entry in $rest; do
	case ${entry%/} in "$folder" | "$masquerade") ;; *) path=$path:$entry ;; esac
done
unset IFS
PATH=${path#:}
[ -z "${_DISTCC_SAFEGUARD-}" ] || exec "$@"
case ${1-} in "$masquerade"/*) exec "$@" ;; esac

# Of clang's two ways to name a target distcc knows only `-target`: after this one it would put another one, its own machine's.
case " $* " in *' --target='*) export DISTCC_NO_REWRITE_CROSS=1 ;; esac

# What the compiler is called with from here on is compiled on this machine, within the local slots.
stay() {
	slots=''
	{ read -r slots _ <"$DISTCC_DIR/hosts"; } 2>/dev/null
	case $slots in --localslots=*) slots=${slots#*=} ;; *) slots=2 ;; esac
	export DISTCC_HOSTS="localhost/$slots"
}

# distcc knows -o alone: even here it would say another one of its own.
case " $* " in *' --output'[=\ ]*) exec "$@" ;; esac

# Whether one of the words is of distcc/kept.def. What stands in a file that is named with @ is of the call, too; what is no file can be read only once.
keeps() {
	case " $*" in *' @'*)
		for word; do
			# shellcheck disable=SC2046 # words
			case $word in @*) [ ! -f "${word#@}" ] || set -- "$@" $(cat "${word#@}") ;; esac
		done
		;;
	esac
	before=''
	for word; do
		case $before in -x | -X* | -mllvm | --specs) word="$before $word" ;; esac
		case $word in
		# Most are none of these.
		[!-@]* | -[DIMOW]* | -[cgo]) ;;
		-mcpu=native) [ "${EDCC_NATIVE-}" ] || return 0 ;;
		*) ! kept "$word" || return 0 ;;
		esac
		before=$word
	done
	return 1
}
! keeps "$@" || stay

case "${EDCC_NATIVE:+" $* "}" in
*' -march=native '* | *' -mtune=native '* | *' -mcpu=native '*) ;;
*) exec "$front" "$@" ;;
esac

# What decides for which processor it compiles. `-m32` and the like have a say, and stay where they are.
machine='' compiles=''
for word; do
	case $word in
	-c | -S) compiles=yes ;;
	-march=* | -mtune=* | -mcpu=* | -m16 | -m32 | -m64 | -mx32 | --target=*) machine="$machine $word" ;;
	-target) stay && exec "$front" "$@" ;;
	esac
done
case $compiles$1$machine in
[!y]* | *..* | *[!A-Za-z0-9=.,_+/\ -]*) stay && exec "$front" "$@" ;;
*=native*) ;;
*) exec "$front" "$@" ;;
esac
case $1 in [!/]*/*) stay && exec "$front" "$@" ;; esac

say() { [ -z "${DISTCC_LOG-}" ] || printf 'distcc[%d] (edcc) %s\n' $$ "$1" >>"$DISTCC_LOG"; }

# The driver tells what it would pass on; this prints it in the driver's own words.
ask() { # COMPILER ARGUMENT…
	before='' list='' clang=''
	for word in $(LC_ALL=C "$@" '-###' -c -x c /dev/null -o /dev/null 2>&1 | sed -n '/^ .*cc1"\{0,1\} /{ s/"//g; p; q; }'); do
		case $before$clang=$word in
		--param=*) list="$list --param=$word" ;;
		-target-cpuyes=*) list="$list -march=$word" ;;
		-tune-cpuyes=*) list="$list -mtune=$word" ;;
		# No x86-64 is without these, and there are no options for them.
		-target-featureyes=+64bit | -target-featureyes=+cmov | -target-featureyes=+cx8) ;;
		-target-featureyes=+*) list="$list -m${word#+}" ;;
		-target-featureyes=-*) list="$list -mno-${word#-}" ;;
		*=-cc1) clang=yes ;;
		*yes=* | *=-m16 | *=-m32 | *=-m64 | *=-mx32) ;;
		*=-m*) list="$list $word" ;;
		esac
		before=$word
	done
	printf '%s' "${list# }"
}

# Both ways the same bytes and the same macros, of which each feature of a processor has one.
prove() { # COMPILER; $kept and $flags are words
	cat >canary.c <<'END' || return
void axpy(float *restrict a, const float *restrict b, int n) { for (int i = 0; i < n; i++) a[i] += a[i] * b[i]; }
int bits(unsigned long x) { return __builtin_popcountl(x) + __builtin_ctzl(x); }
END
	"$1" $machine -O3 -c canary.c -o native.o && "$1" $machine -dM -E canary.c -o native.i &&
		"$1" $flags $kept -O3 -c canary.c -o flags.o && "$1" $flags $kept -dM -E canary.c -o flags.i || return
	cmp native.o flags.o && cmp native.i flags.i
}

# Once: others wait. An answer without words is that it cannot be.
resolve() (
	umask 077
	mkdir -p "${answer%/*}"
	exec 9>"$answer.lock" && flock 9
	[ ! -e "$answer" ] || exit
	flags=$(ask "$1" $machine) kept=''
	for word in $machine; do
		case $word in -march=* | -mtune=* | -mcpu=*) ;; *) kept="$kept $word" ;; esac
	done
	scratch=$(mktemp -d) && cd "$scratch" || exit
	if [ "$flags" ] && why=$(prove "$1" 2>&1); then
		say "$name is $flags"
	else
		say "$name stays here: $(printf %s "${why:-the compiler does not say what it is}" | head -n 1)"
		flags=''
	fi
	cd / && rm -r "$scratch"
	printf '%s\n' "$flags" >"$answer.new" && mv "$answer.new" "$answer"
) 2>/dev/null

name=$1$machine
answer=$DISTCC_DIR/native/$name
[ -e "$answer" ] || resolve "$1"
read -r flags 2>/dev/null <"$answer" && [ "$flags" ] || { stay && exec "$front" "$@"; }
say "resolved $name"

# To the front, where the driver would have put it: what else is said of the processor comes after it, and wins.
compiler=$1 rest='' at=0
shift
for word; do
	at=$((at + 1))
	case $word in -march=* | -mtune=* | -mcpu=*) ;; *) rest="$rest \"\${$at}\"" ;; esac
done
eval "set -- $rest"
exec "$front" "$compiler" $flags "$@"
