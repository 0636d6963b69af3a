# Provider aws without a network: what follows from the file alone.
unset AWS_REGION AWS_DEFAULT_REGION AWS_PROFILE
export AWS_CONFIG_FILE=/nonexistent AWS_SHARED_CREDENTIALS_FILE=/nonexistent
"$EDCC" plan --offline
"$EDCC" plan --offline -f large.edcc
"$EDCC" plan --offline -f network.edcc
"$EDCC" plan --offline --why instances
"$EDCC" plan --offline --json | python3 -c '
import json, sys
plan = json.load(sys.stdin)
print(plan["costs"], plan["price"], plan["toolchain"])
for action in plan["actions"]:
    print(action["name"], action["needs"], action["undo"])'
