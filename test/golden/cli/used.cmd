# What status says of a kept fleet that another run uses, of that run, and of the fleet when that run has died or has left it again.
printf 'project = demo\n\nbuild it:\n    true\n' >Edccfile
# line RUN MEMBERS: one more line of its journal.
line() {
	mkdir -p ".edcc/runs/$1"
	echo "{\"time\": 1, $2}" >>".edcc/runs/$1/journal"
}
# begins RUN PID START: the first line, of a run of that process.
begins() { line "$1" "\"record\": \"run\", \"run\": \"$1\", \"format\": 1, \"project\": \"demo\", \"provider\": \"local\", \"owner\": {\"host\": \"$(uname -n)\", \"pid\": $2, \"start\": $3}"; }
made=20260101-000000-000001 user=20260101-000000-000002
begins $made 1 1
line $made '"record": "intent", "action": "fleet", "type": "fleet", "needs": [], "params": {}'
line $made "\"record\": \"kept\", \"run\": \"$made\", \"until\": 0"
line $made "\"record\": \"used\", \"run\": \"$made\", \"by\": \"$user\""
begins $user $$ "$(cut -d ' ' -f 22 /proc/$$/stat)"
"$EDCC" status --run $made
"$EDCC" status --run $made --json | grep -E '"(state|by)"'
"$EDCC" status | sed -E 's/ for [0-9].*/ for TIME/'
"$EDCC" status --json | grep -E '"(state|uses)"'
echo "- the user has died"
rm -r .edcc/runs/$user
begins $user 1 1
"$EDCC" status --run $made
"$EDCC" status
echo "- the user has left it"
line $made "\"record\": \"kept\", \"run\": \"$made\", \"until\": 0"
line $user "\"record\": \"end\", \"run\": \"$user\", \"status\": 0"
"$EDCC" status --run $made
"$EDCC" status
echo "- its time is over"
line $made "\"record\": \"kept\", \"run\": \"$made\", \"until\": 1"
"$EDCC" status --run $made
