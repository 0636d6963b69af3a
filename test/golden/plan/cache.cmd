# A cache that is kept: when it comes, where it goes, whose it is.
unset AWS_REGION AWS_DEFAULT_REGION AWS_PROFILE
export AWS_CONFIG_FILE=/nonexistent AWS_SHARED_CREDENTIALS_FILE=/nonexistent
"$EDCC" plan --offline | sed -n '/^set-up/,/^teardown/p'
"$EDCC" plan --offline --why cache
"$EDCC" plan --offline --json | python3 -c '
import json, sys
for action in json.load(sys.stdin)["actions"]:
    if action["name"].endswith("cache") or action["section"] == "build":
        print(action["name"], action["section"], action["needs"], action["when"], action["undo"])'
for change in 's/^    version.*/&\n    target = aarch64-linux-gnu/' 's/^compiler gcc/compiler clang/' 's/^    keep .*/&\n    enabled = no/'; do
	sed "$change" Edccfile >other.edcc
	"$EDCC" plan --offline -f other.edcc | grep -E ' cache +' || echo none
done
