# What is wrong with the call, and the way out.
for call in '' pln pln-apply '--jsn plan' 'plan --jsn' 'plan --jobs' 'plan --jobs=x' 'plan -j0' 'plan --json=yes' 'fmt --jobs 3' 'apply --ttl 5' \
	'apply --max-cost much' 'plan --provider=cloud' 'plan --file=' 'check now' 'version 2' 'help me' 'std gc' 'std nonsense' 'completion' 'completion tcsh' \
	'ssh host coop-1' 'gc --all x' 'gc --dry-rn' '-C nowhere check' 'plan -zv' '--help=1'; do
	echo "\$ edcc $call"
	# shellcheck disable=SC2086 # words
	"$EDCC" $call >out 2>&1
	status=$?
	[ -n "$call" ] || echo '(the help)' >out
	cat out
	echo "= $status"
done
