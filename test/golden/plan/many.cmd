# More than sixty steps: one line each, without their rules.
{
	printf 'project = many\n'
	for i in $(seq 1 70); do
		printf '\nbuild b%d:%s\n    build_success when exit in 0 77\n    make b%d\n' "$i" "$([ "$i" -lt 65 ] || seq -s ' ' -f ' b%g' 1 9)" "$i"
	done
} >Edccfile
"$EDCC" plan --jobs 2 | sed -n '1,6p; /b6[3-9]/p; /^$/p; $p'
