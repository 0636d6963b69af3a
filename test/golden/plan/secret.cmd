# A secret's value is in no text, even where it is written out in a recipe.
"$EDCC" plan --jobs 1
"$EDCC" plan --json --jobs 1 | grep -c hunter2
"$EDCC" plan --quiet -o plan && grep -c hunter2 plan
[ "$(grep -o '"salt":"[0-9a-f]*"' plan | wc -c)" -eq 42 ] && echo a salt of sixteen bytes
